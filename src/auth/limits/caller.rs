//! Who uses up a quota.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::quotas::{RouteClass, Tier};
use crate::models::principal::{Identity, Principal};

/// Somebody with quotas: a principal, an account, or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Row of the table of quotas.
    pub tier: Tier,
    name: String,
}

/// State of a caller's quota for one class of routes, as Redis and a process find it.
///
/// The name is hashed because keys of Redis end up in its logs and in what `MONITOR` prints. It is no secret: somebody
/// who can read Redis can find out whether an address is among the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CallerKey {
    class: RouteClass,
    digest: [u8; DIGEST_BYTES],
}

/// Bytes of the digest: too many for two callers to meet by chance.
const DIGEST_BYTES: usize = 16;

impl Caller {
    /// Returns the caller that a call counts for; `None` if nothing limits the caller, which is so for the operator.
    ///
    /// Many people hold the same share link, so each address is a caller of its own. They are bounded together by the
    /// permits for requests of holders.
    pub fn of(principal: Option<&Principal>, address: IpAddr) -> Option<Self> {
        let Some(principal) = principal else {
            return Some(Self::address(address));
        };
        let identity = principal.identity;
        if matches!(identity, Identity::LocalOperator | Identity::Operator) {
            return None;
        }
        let is_shared = matches!(identity, Identity::ShareHolder(_));
        let name = if is_shared { format!("{identity} at {address}") } else { identity.to_string() };
        Some(Self { tier: Tier::Plan(principal.plan), name })
    }

    /// Returns the stranger at an address.
    pub fn address(address: IpAddr) -> Self {
        Self { tier: Tier::Stranger, name: format!("address {address}") }
    }

    /// Returns the account that somebody tries to sign in to, whether it exists or not. `name` should be in the form in
    /// which accounts are looked up, so that spelling it differently does not yield another quota.
    pub fn account(name: &str) -> Self {
        Self { tier: Tier::Stranger, name: format!("account {name}") }
    }

    pub(super) fn key(&self, class: RouteClass) -> CallerKey {
        let whole: [u8; 32] = Sha256::digest(self.name.as_bytes()).into();
        let mut digest = [0; DIGEST_BYTES];
        digest.iter_mut().zip(whole).for_each(|(kept, byte)| *kept = byte);
        CallerKey { class, digest }
    }
}

impl CallerKey {
    /// Returns the name of the key in Redis, without its prefix.
    pub fn in_redis(&self) -> String {
        format!("{}:{}", self.class.as_str(), hex::encode(self.digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::id::ShareLinkId;

    #[test]
    fn the_operator_is_not_limited_and_others_are_told_apart() {
        let [here, there] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        assert_eq!(Caller::of(Some(&Principal::operator()), here), None);
        assert_eq!(Caller::of(Some(&Principal::local_operator()), here), None);
        assert_eq!(Caller::of(None, here), Some(Caller::address(here)));
        let holders = [(); 2].map(|()| Principal::share_holder(ShareLinkId::now_v7()));
        let keys = [
            Caller::address(here),
            Caller::address(there),
            Caller::account("192.0.2.1"),
            Caller::of(Some(&holders[0]), here).unwrap(),
            Caller::of(Some(&holders[0]), there).unwrap(),
            Caller::of(Some(&holders[1]), here).unwrap(),
        ];
        let keys: std::collections::HashSet<_> =
            keys.iter().map(|caller| caller.key(RouteClass::Read)).collect();
        assert_eq!(keys.len(), 6);
        assert_ne!(Caller::address(here).key(RouteClass::Read), Caller::address(here).key(RouteClass::Write));
    }

    #[test]
    fn a_key_in_redis_names_the_class_and_hides_the_caller() {
        let caller = Caller::address("192.0.2.1".parse().unwrap());
        let key = caller.key(RouteClass::SignIn).in_redis();
        assert!(key.starts_with("sign_in:") && !key.contains("192"), "{key}");
        assert_eq!(key.len(), "sign_in:".len() + 32);
    }
}
