//! Which addresses a page may link to: https, or http to this very machine. Anything else is shown without a link.

/// The address as it may stand in a page; `None` for every other scheme, and for characters no address needs.
#[must_use]
pub fn safe_link(url: &str) -> Option<String> {
    let plain = url.chars().all(|letter| letter.is_ascii_graphic() && !matches!(letter, '"' | '\'' | '<' | '>' | '\\'));
    (plain && (has_host(url, "https://") || is_loopback(url))).then(|| url.to_owned())
}

fn authority<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let rest = url.strip_prefix(scheme)?;
    rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty() && !host.contains('@'))
}

fn has_host(url: &str, scheme: &str) -> bool {
    authority(url, scheme).is_some()
}

fn is_loopback(url: &str) -> bool {
    let Some(host) = authority(url, "http://") else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_are_linked() {
        for good in [
            "https://jira.example.com/browse/PAY-1",
            "http://127.0.0.1:8080/a",
            "http://[::1]:9/",
            "http://localhost/x",
        ] {
            assert_eq!(safe_link(good).as_deref(), Some(good));
        }
        let bad = [
            "javascript:alert(1)",
            "http://jira.example.com/browse/PAY-1",
            "http://127.0.0.1.example.com/",
            "http://127.0.0.1@example.com/",
            "https://",
            "https://a/\"onload=",
            "https://a/\u{202E}b",
            "//example.com/x",
            "data:text/html,x",
        ];
        for url in bad {
            assert_eq!(safe_link(url), None, "{url}");
        }
    }
}
