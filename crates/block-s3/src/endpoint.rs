//! Where requests for a bucket go: scheme, host and what stands before the key in the path.
//!
//! Amazon's hosts follow from the bucket's region; any other service has one host for all. The bucket
//! stands in the host's name, or in the path where that cannot be or is not wanted.

use std::net::IpAddr;

use http::Uri;
use lakehold_block::Error;

use crate::place::Place;
use crate::settings::S3Settings;
use crate::sigv4;

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    service: Service,
    path_style: bool,
}

#[derive(Clone, Debug)]
enum Service {
    Amazon,
    Other { tls: bool, host: String, base: String, host_is_address: bool },
}

/// Where one object, or a bucket, is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) tls: bool,
    /// Host, and port where it is not the usual one.
    pub(crate) host: String,
    /// Percent-encoded.
    pub(crate) path: String,
}

impl Target {
    /// The URL with the encoded `query`.
    pub(crate) fn url(&self, query: &str) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{scheme}://{}{}{mark}{query}", self.host, self.path)
    }
}

impl Endpoint {
    /// The endpoint at `url`, or Amazon's.
    pub(crate) fn new(url: Option<&str>, settings: &S3Settings) -> Result<Self, Error> {
        let service = match url.filter(|url| !url.is_empty()) {
            Some(url) => other(url).ok_or_else(|| Error::InvalidAddress {
                address: url.to_owned(),
                reason: "expected an endpoint such as https://s3.example.com or http://127.0.0.1:9000",
            })?,
            None => Service::Amazon,
        };
        Ok(Self { service, path_style: settings.force_path_style })
    }

    /// Where `place` is, whose bucket is in `region`.
    pub(crate) fn locate(&self, place: &Place, region: &str) -> Target {
        let (tls, host, base, address) = match &self.service {
            Service::Amazon => (true, amazon(region), "", false),
            Service::Other { tls, host, base, host_is_address } => {
                (*tls, host.clone(), base.as_str(), *host_is_address)
            }
        };
        let Place { bucket, key } = place;
        let key = sigv4::encode_path(key);
        // A certificate for all buckets covers one label, and host names have no underscores.
        let is_label = !(bucket.contains('_') || tls && bucket.contains('.'));
        if self.path_style || address || !is_label {
            let slash = if key.is_empty() { "" } else { "/" };
            return Target { tls, host, path: format!("{base}/{bucket}{slash}{key}") };
        }
        Target { tls, host: format!("{bucket}.{host}"), path: format!("{base}/{key}") }
    }

    /// The service as it is called in messages.
    pub(crate) fn name(&self) -> &str {
        match &self.service {
            Service::Amazon => "Amazon S3",
            Service::Other { host, .. } => host,
        }
    }
}

fn amazon(region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("s3.{region}.{domain}")
}

fn other(url: &str) -> Option<Service> {
    let uri: Uri = url.parse().ok()?;
    let tls = match uri.scheme_str()? {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let usual = if tls { 443 } else { 80 };
    let name = uri.host().filter(|name| !name.is_empty())?;
    let host = match uri.port_u16().filter(|port| *port != usual) {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    };
    let host_is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let base = uri.path().trim_end_matches('/').to_owned();
    Some(Service::Other { tls, host, base, host_is_address })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(endpoint: Option<&str>, path_style: bool, bucket: &str, key: &str) -> String {
        let settings = S3Settings { force_path_style: path_style, ..S3Settings::default() };
        let endpoint = Endpoint::new(endpoint, &settings).unwrap();
        let place = Place { bucket: bucket.to_owned(), key: key.to_owned() };
        endpoint.locate(&place, "eu-west-1").url("")
    }

    #[test]
    fn a_bucket_stands_in_the_host_where_it_can() {
        for (endpoint, path_style, bucket, key, expected) in [
            (None, false, "lake", "a//b", "https://lake.s3.eu-west-1.amazonaws.com/a//b"),
            (None, true, "lake", "../a", "https://s3.eu-west-1.amazonaws.com/lake/../a"),
            (None, false, "my.lake", "a", "https://s3.eu-west-1.amazonaws.com/my.lake/a"),
            (None, false, "my_lake", "a", "https://s3.eu-west-1.amazonaws.com/my_lake/a"),
            (None, false, "lake", "", "https://lake.s3.eu-west-1.amazonaws.com/"),
            (Some("http://127.0.0.1:9000"), false, "lake", "a", "http://127.0.0.1:9000/lake/a"),
            (Some("http://[::1]:9000/"), false, "lake", "", "http://[::1]:9000/lake"),
            (Some("http://minio:9000"), false, "my.lake", "a", "http://my.lake.minio:9000/a"),
            (
                Some("https://s3.x.com:443/base/"),
                true,
                "lake",
                "/a",
                "https://s3.x.com/base/lake//a",
            ),
        ] {
            assert_eq!(url(endpoint, path_style, bucket, key), expected);
        }
    }

    #[test]
    fn china_has_a_domain_of_its_own() {
        assert_eq!(amazon("cn-north-1"), "s3.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for url in ["minio:9000", "ftp://x", "http://", "/x", "s3.example.com"] {
            assert!(Endpoint::new(Some(url), &S3Settings::default()).is_err(), "{url}");
        }
    }
}
