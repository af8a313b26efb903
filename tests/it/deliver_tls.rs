//! Mail through STARTTLS: to a server whose certificate the system trusts, and to nobody else.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

use crate::support::organisation::Organisation;

/// A certificate for `localhost` that signs itself.
fn certificate() -> (PKey<Private>, X509) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(2).unwrap();
    certificate.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    certificate.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    let names = SubjectAlternativeName::new().dns("localhost").build(&certificate.x509v3_context(None, None)).unwrap();
    certificate.append_extension(names).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    (key, certificate.build())
}

/// A line of a client, in upper case.
fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let read = reader.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_uppercase())
}

/// Serves one connection, and gives back what it was told inside TLS; `None`: there was no TLS.
fn serve(listener: TcpListener, key: PKey<Private>, certificate: X509) -> JoinHandle<Option<Vec<String>>> {
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().ok()?;
        stream.write_all(b"220 ready\r\n").ok()?;
        let mut plain = BufReader::new(stream.try_clone().ok()?);
        assert!(line(&mut plain)?.starts_with("EHLO"));
        stream.write_all(b"250-localhost\r\n250 STARTTLS\r\n").ok()?;
        assert_eq!(line(&mut plain)?, "STARTTLS");
        stream.write_all(b"220 go on\r\n").ok()?;
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).ok()?;
        acceptor.set_private_key(&key).ok()?;
        acceptor.set_certificate(&certificate).ok()?;
        let mut secured = BufReader::new(acceptor.build().accept(stream).ok()?);
        let mut told = Vec::new();
        let mut is_letter = false;
        while let Some(line) = line(&mut secured) {
            let answer = match line.as_str() {
                "." => "250 taken\r\n",
                _ if is_letter => "",
                "DATA" => "354 go on\r\n",
                "QUIT" => "221 bye\r\n",
                hello if hello.starts_with("EHLO") => "250-localhost\r\n250 AUTH PLAIN\r\n",
                login if login.starts_with("AUTH") => "235 welcome\r\n",
                _ => "250 yes\r\n",
            };
            is_letter = (is_letter || line == "DATA") && line != ".";
            told.push(line);
            secured.get_mut().write_all(answer.as_bytes()).ok()?;
        }
        let _ = secured.get_mut().read(&mut [0]);
        Some(told)
    })
}

#[test]
fn a_letter_goes_through_starttls_to_a_server_that_the_system_trusts_and_to_no_other() {
    let (key, certificate) = certificate();
    for trusted in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = serve(listener, key.clone(), certificate.clone());
        let sources = format!(
            "[delivery]\npatience-seconds = 10\n[delivery.smtp]\nhost = \"localhost\"\nport = {port}\n\
             from = \"reports@example.com\"\nuser = \"reports\"\npassword-env = \"TEST_TOKEN\"\n"
        );
        let place = Organisation::new(&sources, "recipients = [\"mail-ada@example.com\"]", "");
        let known = if trusted { certificate.to_pem().unwrap() } else { self::certificate().1.to_pem().unwrap() };
        std::fs::write(place.path("trusted.pem"), known).unwrap();
        let trust = place.path("trusted.pem").display().to_string();
        let night = ["run", "--as-of", "2026-11-24T04:00:00Z"];
        let ended = place.run_with(&[("SSL_CERT_FILE", &trust), ("SSL_CERT_DIR", "/nonexistent")], &night);
        let told = server.join().unwrap();
        if trusted {
            assert_eq!(ended.exit, 0, "{ended:?}");
            let told = told.expect("TLS was spoken");
            assert!(told.iter().any(|line| line.starts_with("AUTH PLAIN")), "{told:?}");
            assert!(told.iter().any(|line| line == "RCPT TO:<MAIL-ADA@EXAMPLE.COM>"), "{told:?}");
        } else {
            assert!(ended.exit == 3 && ended.complained.contains("no TLS that can be trusted"), "{ended:?}");
            assert_eq!(told, None, "nothing was said to a stranger");
        }
    }
}
