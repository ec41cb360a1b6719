//! The first start: an administrator, and words for whoever started the server.

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;

use anyhow::Context as _;
use tracing::info;
use tracing::warn;

use lakehold_auth::Auth;
use lakehold_auth::AuthError;
use lakehold_auth::Credentials;
use lakehold_auth::Setup;

use crate::settings::AdministratorSettings;
use crate::settings::Settings;
use crate::settings::SetupMode;

/// What there is to say once the server listens.
#[derive(Debug)]
pub(crate) enum Welcome {
    /// The administrator was made, with fresh keys: the only time they are shown.
    FreshKeys(Credentials),
    /// The administrator was made, with keys from the settings.
    GivenKeys {
        /// The public half.
        access_key_id: String,
    },
    /// There is an administrator.
    SetUpBefore,
    /// There is none, and the setup operation is to make one.
    NotSetUp,
}

/// What a welcome says besides.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// Where the data is: whole lines.
    pub(crate) places: String,
    /// A storage namespace to begin with.
    pub(crate) namespace: String,
}

/// Makes the administrator of a new installation, unless that is left to the setup operation, and takes
/// over that of an installation which has one in another form.
pub(crate) async fn prepare(settings: &Settings, auth: &Auth) -> anyhow::Result<Welcome> {
    let AdministratorSettings { name, keys, installation_id } = &settings.administrator;
    if let Some(id) = installation_id {
        keep_id(auth, id).await?;
    }
    if auth.is_set_up().await.context("reading whether the installation is set up")? {
        let adopted =
            auth.adopt_user().await.context("the users of this installation cannot be used")?;
        if let Some(name) = adopted {
            info!("{name}, the only user of this installation, is its administrator from now on");
        }
        if let Some((id, secret)) = keys {
            compare(auth, id, secret).await?;
        }
        return Ok(Welcome::SetUpBefore);
    }
    if settings.setup == SetupMode::Manual {
        return Ok(Welcome::NotSetUp);
    }
    let setup = Setup { username: name.clone(), key: keys.clone(), email: None };
    let made = auth.setup(setup).await.context("making the administrator")?;
    Ok(match keys {
        Some(_) => Welcome::GivenKeys { access_key_id: made.access_key_id },
        None => Welcome::FreshKeys(made),
    })
}

async fn keep_id(auth: &Auth, id: &str) -> anyhow::Result<()> {
    let kept = auth.keep_installation_id(id).await.context("reading the installation's id")?;
    if kept != id {
        warn!("installation.fixed_id is not the id of this installation, {kept}; it is ignored");
    }
    Ok(())
}

/// Says so where the keys in the settings are not those of the administrator: they only count at the
/// first start.
async fn compare(auth: &Auth, access_key_id: &str, secret: &str) -> anyhow::Result<()> {
    match auth.login(access_key_id, secret).await {
        Ok(_) => Ok(()),
        Err(AuthError::NotAuthenticated) => {
            warn!(
                "installation.access_key_id and its secret (LAKEHOLD_ACCESS_KEY_ID, \
                 LAKEHOLD_SECRET_ACCESS_KEY) are not the keys of this installation, which was set up \
                 before; they are ignored"
            );
            Ok(())
        }
        Err(error) => Err(error).context("reading the administrator's keys"),
    }
}

impl Welcome {
    /// Prints where the server is, where the data is, and what to do next.
    pub(crate) fn print(
        &self,
        out: &mut dyn io::Write,
        address: SocketAddr,
        around: &Surroundings,
    ) -> anyhow::Result<()> {
        let endpoint = endpoint(address);
        let written = writeln!(out, "{}", self.text(&endpoint, around)).and_then(|()| out.flush());
        match written {
            // Whoever started us does not listen.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.context("writing to standard output"),
        }
    }

    fn text(&self, endpoint: &str, around: &Surroundings) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let Surroundings { places, namespace } = around;
        let head = format!("Lakehold {version} is listening on {endpoint}\n{places}");
        head + &match self {
            Self::FreshKeys(keys) => {
                let (id, secret) = (&keys.access_key_id, &keys.secret_access_key);
                let keys = format!(
                    "  key id    {id}\n  secret    {secret}\n\n\
                     Keep the secret: it is stored encrypted and not shown again.\n"
                );
                keys + &first_steps(endpoint, id, secret, namespace)
            }
            Self::GivenKeys { access_key_id } => {
                let keys =
                    format!("  key id    {access_key_id}\n  secret    as given in the settings\n");
                keys + &first_steps(endpoint, access_key_id, "...", namespace)
            }
            Self::SetUpBefore => "\nStop it with Ctrl-C.".to_owned(),
            Self::NotSetUp => format!(
                "\nThere is no administrator yet. Make one, and keep the keys that are answered:\n\n  \
                 curl -X POST -H 'Content-Type: application/json' -d '{{\"username\":\"admin\"}}' \
                 {endpoint}/api/v1/setup_lakefs\n\nStop the server with Ctrl-C."
            ),
        }
    }
}

/// A program that works as pasted.
fn first_steps(endpoint: &str, access_key_id: &str, secret: &str, namespace: &str) -> String {
    format!(
        r#"
First steps in Python, after `pip install lakefs-sdk`:

import lakefs_sdk
from lakefs_sdk.client import LakeFSClient

lake = LakeFSClient(lakefs_sdk.Configuration(
    host="{endpoint}/api/v1", username="{access_key_id}", password="{secret}"))
lake.repositories_api.create_repository(lakefs_sdk.RepositoryCreation(
    name="example", storage_namespace="{namespace}"))
open("hello.txt", "w").write("Hello, lake!")
lake.objects_api.upload_object("example", "main", "hello.txt", content="hello.txt")
lake.commits_api.commit("example", "main", lakefs_sdk.CommitCreation(message="First commit"))
print(lake.objects_api.get_object("example", "main", "hello.txt"))

Stop the server with Ctrl-C."#
    )
}

/// Where a client on this machine reaches the server.
fn endpoint(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use lakehold_clock::Timestamp;

    use super::*;

    fn text(welcome: &Welcome) -> String {
        let places = "  data      /data\n".to_owned();
        let around = Surroundings { places, namespace: "local://example".to_owned() };
        welcome.text("http://127.0.0.1:8000", &around)
    }

    #[test]
    fn an_address_for_all_is_shown_as_one_that_can_be_used() {
        let shown = |text: &str| endpoint(text.parse().expect("an address"));
        assert_eq!(shown("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(shown("[::]:80"), "http://[::1]:80");
        assert_eq!(shown("192.168.0.1:80"), "http://192.168.0.1:80");
    }

    #[test]
    fn fresh_keys_are_shown_and_given_ones_are_not() {
        let keys = Credentials {
            access_key_id: "AKIAJ".into(),
            secret_access_key: "the-secret".into(),
            creation_date: Timestamp::default(),
        };
        let shown = text(&Welcome::FreshKeys(keys));
        assert!(shown.contains("key id    AKIAJ") && shown.contains("password=\"the-secret\""));
        let shown = text(&Welcome::GivenKeys { access_key_id: "AKIAJ".into() });
        assert!(shown.contains("key id    AKIAJ") && !shown.contains("the-secret"));
    }

    #[test]
    fn every_welcome_says_where_the_server_is_and_how_to_go_on() {
        for welcome in [Welcome::SetUpBefore, Welcome::NotSetUp] {
            let shown = text(&welcome);
            assert!(shown.contains("http://127.0.0.1:8000") && shown.contains("/data"), "{shown}");
            assert!(shown.contains("Ctrl-C"), "{shown}");
        }
        assert!(text(&Welcome::NotSetUp).contains("/api/v1/setup_lakefs"));
    }
}
