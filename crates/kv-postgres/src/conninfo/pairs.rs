//! The two notations of a connection string, as keys and values.

use percent_encoding::percent_decode_str;

use super::InvalidConnectionString;

type Pairs = Vec<(String, String)>;

/// Splits `text` into keys and values, in their order.
pub(super) fn parse(text: &str) -> Result<Pairs, InvalidConnectionString> {
    let text = text.trim();
    for scheme in ["postgres://", "postgresql://"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            return of_url(rest);
        }
    }
    of_keywords(text)
}

/// Writes `pairs` in the notation `key='value'`.
pub(super) fn write(pairs: &[(String, String)]) -> String {
    let quoted = |(key, value): &(String, String)| {
        let value = value.replace('\\', "\\\\").replace('\'', "\\'");
        format!("{key}='{value}'")
    };
    pairs.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// `[user[:password]@][host[:port],...][/database][?key=value&...]`
fn of_url(rest: &str) -> Result<Pairs, InvalidConnectionString> {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (login, hosts),
        None => ("", authority),
    };
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let mut pairs = Pairs::new();
    for (key, value) in [("user", user), ("password", password), ("dbname", database)] {
        if !value.is_empty() {
            pairs.push((key.to_owned(), decode(value)?));
        }
    }
    if !hosts.is_empty() {
        pairs.extend(of_hosts(hosts)?);
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(InvalidConnectionString::new("a parameter of the URL has no value"));
        };
        // As in a form, which is how other drivers read it.
        pairs.push((decode(&key.replace('+', " "))?, decode(&value.replace('+', " "))?));
    }
    Ok(pairs)
}

fn of_hosts(hosts: &str) -> Result<Pairs, InvalidConnectionString> {
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',') {
        let (name, port) = split_port(host)?;
        names.push(decode(name)?);
        ports.push(decode(port)?);
    }
    Ok(vec![("host".to_owned(), names.join(",")), ("port".to_owned(), ports.join(","))])
}

/// Splits `host:port`, where the host may be an address in brackets.
fn split_port(host: &str) -> Result<(&str, &str), InvalidConnectionString> {
    const PORT: &str = "5432";
    let Some(bracketed) = host.strip_prefix('[') else {
        return Ok(host.split_once(':').unwrap_or((host, PORT)));
    };
    match bracketed.split_once(']') {
        Some((address, "")) => Ok((address, PORT)),
        Some((address, port)) if port.starts_with(':') => Ok((address, &port[1..])),
        _ => Err(InvalidConnectionString::new("an address in the URL lacks its closing bracket")),
    }
}

fn decode(text: &str) -> Result<String, InvalidConnectionString> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| InvalidConnectionString::new("the URL is not UTF-8"))?;
    Ok(decoded.into_owned())
}

/// `key = value key = 'a value'`, with backslashes before quotes and backslashes.
fn of_keywords(text: &str) -> Result<Pairs, InvalidConnectionString> {
    let mut pairs = Pairs::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some((key, after)) = rest.split_once('=') else {
            let what = "neither a URL postgres://... nor pairs key=value";
            return Err(InvalidConnectionString::new(what));
        };
        let (value, after) = value(after.trim_start())?;
        pairs.push((key.trim().to_owned(), value));
        rest = after.trim_start();
    }
    Ok(pairs)
}

/// Takes a value off the front of `text` and returns what follows it.
fn value(text: &str) -> Result<(String, &str), InvalidConnectionString> {
    let quoted = text.starts_with('\'');
    let mut characters = text.char_indices().skip(usize::from(quoted));
    let mut value = String::new();
    while let Some((at, character)) = characters.next() {
        match character {
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other if !quoted && other.is_whitespace() => return Ok((value, &text[at..])),
            other => value.push(other),
        }
    }
    if quoted {
        return Err(InvalidConnectionString::new("a quoted value is not closed"));
    }
    Ok((value, ""))
}
