//! Accounts of people.

pub mod administration; // what admins do with accounts
pub mod invitations; // invitations to create an account
pub mod password_resets; // one-time links that set a password
pub mod passwords; // setting and replacing passwords
pub mod users; // the accounts themselves
