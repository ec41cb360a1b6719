//! Settings of users and access, and of the first administrator (`installation`, `auth`).

use super::Kind::Any;
use super::Kind::Choice;
use super::Kind::Duration;
use super::Kind::Flag;
use super::Kind::Integer;
use super::Kind::List;
use super::Kind::Text;
use super::Known;

const NO_SIGN_ON: &str = "there is no sign-on by other services yet";
const NO_PAGES: &str = "the web pages are not there yet";
const OWN_CACHES: &str = "what is remembered of users is exact (docs/design/0005-caches.md)";
const ONE_USER: &str = "users lie in another server, and this one has one administrator only";

pub(super) const SETTINGS: &[Known] = &[
    Known::used(
        "auth.encrypt.secret_key",
        Text,
        "",
        "encrypts stored secrets and signs logins; one for all servers, never to be changed. Where \
         everything lies in DATA_DIR, one is made and kept there",
    )
    .secret(),
    Known::used("auth.login_duration", Duration, "168h", "how long a login is good for"),
    Known::ignored("auth.login_max_duration", Duration, "a login has one length"),
    Known::used(
        "installation.user_name",
        Text,
        "admin",
        "name of the administrator of a new installation",
    ),
    Known::used(
        "installation.access_key_id",
        Text,
        "",
        "the administrator's access key, instead of a fresh one",
    )
    .short("LAKEHOLD_ACCESS_KEY_ID"),
    Known::used("installation.secret_access_key", Text, "", "the secret of that access key")
        .secret()
        .short("LAKEHOLD_SECRET_ACCESS_KEY"),
    Known::used(
        "installation.fixed_id",
        Text,
        "",
        "id of a new installation, instead of a fresh one",
    ),
    Known::ignored(
        "installation.allow_inter_region_storage",
        Flag,
        "a bucket may be in any region",
    ),
    Known::ignored("auth.cache.enabled", Flag, OWN_CACHES),
    Known::ignored("auth.cache.size", Integer, OWN_CACHES),
    Known::ignored("auth.cache.ttl", Duration, OWN_CACHES),
    Known::ignored("auth.cache.jitter", Duration, OWN_CACHES),
    Known::refused_unless("auth.api.endpoint", Text, "", ONE_USER),
    Known::ignored("auth.api.token", Text, NO_SIGN_ON).secret(),
    Known::ignored("auth.api.supports_invites", Flag, NO_SIGN_ON),
    Known::ignored("auth.api.health_check_timeout", Duration, NO_SIGN_ON),
    Known::ignored("auth.api.skip_health_check", Flag, NO_SIGN_ON),
    Known::refused_unless("auth.authentication_api.endpoint", Text, "", NO_SIGN_ON),
    Known::ignored("auth.authentication_api.external_principals_enabled", Flag, NO_SIGN_ON),
    Known::refused_unless("auth.remote_authenticator.enabled", Flag, "false", NO_SIGN_ON),
    Known::ignored("auth.remote_authenticator.endpoint", Text, NO_SIGN_ON),
    Known::ignored("auth.remote_authenticator.default_user_group", Text, NO_SIGN_ON),
    Known::ignored("auth.remote_authenticator.request_timeout", Duration, NO_SIGN_ON),
    Known::ignored("auth.oidc.validate_id_token_claims", Any, NO_SIGN_ON),
    Known::ignored("auth.oidc.default_initial_groups", List, NO_SIGN_ON),
    Known::ignored("auth.oidc.initial_groups_claim_name", Text, NO_SIGN_ON),
    Known::ignored("auth.oidc.friendly_name_claim_name", Text, NO_SIGN_ON),
    Known::ignored("auth.oidc.persist_friendly_name", Flag, NO_SIGN_ON),
    Known::ignored("auth.cookie_auth_verification.validate_id_token_claims", Any, NO_SIGN_ON),
    Known::ignored("auth.cookie_auth_verification.default_initial_groups", List, NO_SIGN_ON),
    Known::ignored("auth.cookie_auth_verification.initial_groups_claim_name", Text, NO_SIGN_ON),
    Known::ignored("auth.cookie_auth_verification.friendly_name_claim_name", Text, NO_SIGN_ON),
    Known::ignored("auth.cookie_auth_verification.external_user_id_claim_name", Text, NO_SIGN_ON),
    Known::ignored("auth.cookie_auth_verification.auth_source", Text, NO_SIGN_ON),
    Known::ignored("auth.cookie_auth_verification.persist_friendly_name", Flag, NO_SIGN_ON),
    Known::ignored("auth.logout_redirect_url", Text, NO_PAGES),
    Known::refused_unless(
        "auth.ui_config.rbac",
        Choice(&["none", "simplified", "external", "internal"]),
        "none",
        "this server has one administrator only",
    ),
    Known::ignored("auth.ui_config.login_url", Text, NO_PAGES),
    Known::ignored("auth.ui_config.login_failed_message", Text, NO_PAGES),
    Known::ignored("auth.ui_config.fallback_login_url", Text, NO_PAGES),
    Known::ignored("auth.ui_config.fallback_login_label", Text, NO_PAGES),
    Known::ignored("auth.ui_config.login_cookie_names", List, NO_PAGES),
    Known::ignored("auth.ui_config.logout_url", Text, NO_PAGES),
    Known::ignored("auth.ui_config.use_login_placeholders", Flag, NO_PAGES),
];
