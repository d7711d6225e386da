//! The user that a program runs as, as the machine knows it.

use std::ffi::{CString, OsStr};
use std::path::PathBuf;

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use rustix::process::geteuid;

/// A user with its groups, as numbers.
#[derive(Debug)]
pub(super) struct ProgramUser {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
    /// Its name and its home, if the machine knows them.
    account: Option<(String, PathBuf)>,
}

impl ProgramUser {
    /// Finds a user of the form `NAME`, `UID`, `NAME:GROUP` or `UID:GID`. The error is a message.
    pub(super) fn find(text: &str) -> Result<ProgramUser, String> {
        let (name, group) = text.split_once(':').map_or((text, None), |(name, group)| (name, Some(group)));
        let number = name.parse::<u32>().ok();
        let account = match number {
            Some(uid) => User::from_uid(Uid::from_raw(uid)),
            None => User::from_name(name),
        };
        let account = account.map_err(|error| format!("the user `{name}` cannot be looked up: {error}"))?;
        let uid = match (&account, number) {
            (Some(account), _) => account.uid.as_raw(),
            (None, Some(uid)) => uid,
            (None, None) => return Err(format!("there is no user `{name}` on this machine")),
        };
        let gid = match (group, &account) {
            (Some(group), _) => find_group(group)?,
            (None, Some(account)) => account.gid.as_raw(),
            (None, None) => {
                return Err(format!(
                    "this machine does not know the user {uid}, so its group is not known either: write `user = \"{uid}:GROUP\"`"
                ));
            }
        };
        let is_own = geteuid().as_raw() == uid;
        if !is_own && !geteuid().is_root() {
            return Err(format!(
                "only root can run a program as the user `{name}`, and the runner is not root"
            ));
        }
        let member_of = account.as_ref().and_then(|account| {
            let name = CString::new(account.name.as_str()).ok()?;
            getgrouplist(&name, Gid::from_raw(gid)).ok()
        });
        let groups =
            member_of.map_or_else(|| vec![gid], |groups| groups.into_iter().map(Gid::as_raw).collect());
        Ok(ProgramUser { uid, gid, groups, account: account.map(|account| (account.name, account.dir)) })
    }

    /// The numbers, as the child reads them.
    pub(super) fn to_argument(&self) -> String {
        let groups: Vec<String> = self.groups.iter().map(u32::to_string).collect();
        format!("{}:{}:{}", self.uid, self.gid, groups.join(","))
    }

    /// The variables that say who the user is, as a login sets them.
    pub(super) fn variables(&self) -> Vec<(&'static str, &OsStr)> {
        self.account.as_ref().map_or_else(Vec::new, |(name, home)| {
            let name = OsStr::new(name);
            vec![("HOME", home.as_os_str()), ("USER", name), ("LOGNAME", name)]
        })
    }
}

fn find_group(group: &str) -> Result<u32, String> {
    if let Ok(gid) = group.parse() {
        return Ok(gid);
    }
    match Group::from_name(group) {
        Ok(Some(found)) => Ok(found.gid.as_raw()),
        Ok(None) => Err(format!("there is no group `{group}` on this machine")),
        Err(error) => Err(format!("the group `{group}` cannot be looked up: {error}")),
    }
}
