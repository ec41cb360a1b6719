//! Users.

use lakehold_clock::Timestamp;

use crate::records::UserData;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name, which is also the id.
    pub id: String,
    /// When the user was made.
    pub creation_date: Timestamp,
    /// E-mail address, where one was given.
    pub email: Option<String>,
    /// Name to be shown to people, where one was given.
    pub friendly_name: Option<String>,
}

impl User {
    /// How commits name the user: the e-mail if there is one, else the id.
    pub fn committer(&self) -> &str {
        self.email.as_deref().unwrap_or(&self.id)
    }
}

impl From<UserData> for User {
    fn from(stored: UserData) -> Self {
        Self {
            id: stored.username,
            creation_date: stored.created_at.unwrap_or_default().into(),
            email: Some(stored.email).filter(|email| !email.is_empty()),
            friendly_name: Some(stored.friendly_name).filter(|name| !name.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_names_the_email_if_there_is_one_else_the_id() {
        let mut user = User::from(UserData { username: "operator".into(), ..UserData::default() });
        assert_eq!((user.committer(), user.email.as_deref()), ("operator", None));
        user.email = Some("operator@lake.example.com".into());
        assert_eq!(user.committer(), "operator@lake.example.com");
    }
}
