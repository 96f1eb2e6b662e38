//! Who uses up a quota.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::quotas::{RouteClass, Tier};
use crate::models::principal::{Identity, Principal};

/// Somebody with quotas: a principal, an account, or an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Row of the table of quotas.
    pub tier: Tier,
    name: Name,
}

/// Who a caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Name {
    Principal(Identity),
    /// Holder of a share link at an address.
    Holder(Identity, IpAddr),
    Address(IpAddr),
    /// Digest of the name of an account, which may not exist.
    Account(Digest16),
}

/// State of a caller's quota for one class of routes, as a process finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CallerKey {
    class: RouteClass,
    name: Name,
}

/// Digest with too many bits for two texts to meet by chance.
type Digest16 = [u8; 16];

impl Caller {
    /// Returns the caller that a call counts for; `None` if nothing limits the caller, which is so for the operator.
    ///
    /// Many people hold the same share link, so each address is a caller of its own. They are bounded together by the
    /// permits for requests of holders.
    pub fn of(principal: Option<&Principal>, address: IpAddr) -> Option<Self> {
        let Some(principal) = principal else {
            return Some(Self::address(address));
        };
        let name = match principal.identity {
            Identity::LocalOperator | Identity::Operator => return None,
            holder @ Identity::ShareHolder(_) => Name::Holder(holder, address),
            identity => Name::Principal(identity),
        };
        Some(Self { tier: Tier::Plan(principal.plan), name })
    }

    /// Returns the stranger at an address.
    pub const fn address(address: IpAddr) -> Self {
        Self { tier: Tier::Stranger, name: Name::Address(address) }
    }

    /// Returns the account that somebody tries to sign in to, whether it exists or not. `name` should be in the form in
    /// which accounts are looked up, so that spelling it differently does not yield another quota.
    pub fn account(name: &str) -> Self {
        Self { tier: Tier::Stranger, name: Name::Account(digest(name)) }
    }

    pub(super) const fn key(&self, class: RouteClass) -> CallerKey {
        CallerKey { class, name: self.name }
    }
}

impl CallerKey {
    /// Returns the name of the key in Redis, without its prefix.
    ///
    /// It contains a digest because keys of Redis end up in its logs and in what `MONITOR` prints. The digest is no
    /// secret: somebody who can read Redis can find out whether an address is among the keys.
    pub fn in_redis(&self) -> String {
        let caller = match self.name {
            Name::Principal(identity) => identity.to_string(),
            Name::Holder(identity, address) => format!("{identity} at {address}"),
            Name::Address(address) => format!("address {address}"),
            Name::Account(account) => format!("account {}", hex::encode(account)),
        };
        format!("{}:{}", self.class.as_str(), hex::encode(digest(&caller)))
    }
}

fn digest(text: &str) -> Digest16 {
    let whole: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let mut digest = Digest16::default();
    digest.iter_mut().zip(whole).for_each(|(kept, byte)| *kept = byte);
    digest
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::models::id::{ApiKeyId, ClientId, ShareLinkId, UserId};

    #[test]
    fn the_operator_is_not_limited_and_others_are_told_apart() {
        let [here, there] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        assert_eq!(Caller::of(Some(&Principal::operator()), here), None);
        assert_eq!(Caller::of(Some(&Principal::local_operator()), here), None);
        assert_eq!(Caller::of(None, here), Some(Caller::address(here)));
        let of = |identity| Principal { identity, ..Principal::operator() };
        let holders = [(); 2].map(|()| Principal::share_holder(ShareLinkId::now_v7()));
        let keys = [
            Caller::address(here),
            Caller::address(there),
            Caller::account("192.0.2.1"),
            Caller::of(Some(&holders[0]), here).unwrap(),
            Caller::of(Some(&holders[0]), there).unwrap(),
            Caller::of(Some(&holders[1]), here).unwrap(),
            Caller::of(Some(&of(Identity::ApiKey(ApiKeyId::from_u128(1)))), here).unwrap(),
            Caller::of(Some(&of(Identity::Client(ClientId::from_u128(1)))), here).unwrap(),
            Caller::of(Some(&of(Identity::User(UserId::from_u128(1)))), here).unwrap(),
        ];
        let all = keys.map(|caller| caller.key(RouteClass::Read));
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        assert_eq!(all.iter().map(CallerKey::in_redis).collect::<HashSet<_>>().len(), all.len());
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
