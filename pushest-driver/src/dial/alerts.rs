//! What a server says of the client's certificate. With TLS 1.3 it does so behind the client's handshake,
//! so that the first read tells it.

use std::io;

use pushest_proto::DialFailure;

/// Returns the failure if an error of a TLS stream is the server's verdict on this client's certificate, or
/// on that there is none.
pub(crate) fn refusal_of_client(error: &io::Error) -> Option<DialFailure> {
    let detail = verdict(number(error)?)?;
    Some(DialFailure::Tls { certificate: false, detail: detail.into() })
}

/// The alerts of RFC 8446, section 6.2, that are about a certificate. A server sends them to a client about
/// nothing but the client's.
fn verdict(alert: u8) -> Option<&'static str> {
    Some(match alert {
        42 => {
            "the server refuses this client's certificate: it is broken, or its signature is wrong"
        }
        43 => {
            "the server refuses this client's certificate: it is of a kind that the server does not take"
        }
        44 => "the server refuses this client's certificate: it was revoked",
        45 => "the server refuses this client's certificate: it has expired, or is not valid yet",
        46 => "the server refuses this client's certificate, and does not say why",
        48 => "the server refuses this client's certificate: its authority is unknown there",
        49 => "the server refuses this client: its certificate gives no access there",
        116 => {
            "the server demands a certificate of its clients, and none was shown: the option \
                `client_identity` sets one"
        }
        _ => return None,
    })
}

/// Returns the number of the alert that the server has sent.
fn number(error: &io::Error) -> Option<u8> {
    let inner = error.get_ref()?;
    #[cfg(feature = "tls")]
    if let Some(rustls::Error::AlertReceived(alert)) = inner.downcast_ref::<rustls::Error>() {
        return Some((*alert).into());
    }
    #[cfg(feature = "native-tls")]
    return number_in(&inner.to_string());
    #[cfg(not(feature = "native-tls"))]
    {
        // Without TLS there is nothing to look at.
        let _ = inner;
        None
    }
}

/// OpenSSL tells alerts in its text alone.
#[cfg(feature = "native-tls")]
fn number_in(text: &str) -> Option<u8> {
    let (_, rest) = text.split_once("SSL alert number ")?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(all(test, any(feature = "tls", feature = "native-tls")))]
mod tests {
    use super::*;

    #[cfg(feature = "tls")]
    #[test]
    fn alerts_about_the_clients_certificate_are_told_and_no_others() {
        use rustls::AlertDescription::{
            CertificateRequired, CloseNotify, HandshakeFailure, UnknownCA,
        };

        let told = |alert| {
            let error = io::Error::other(rustls::Error::AlertReceived(alert));
            refusal_of_client(&error).map(|failure| failure.to_string())
        };
        assert!(told(CertificateRequired).is_some_and(|text| text.contains("`client_identity`")));
        assert!(
            told(UnknownCA).is_some_and(|text| text.contains("its authority is unknown there"))
        );
        assert_eq!(told(HandshakeFailure), None);
        assert_eq!(told(CloseNotify), None);
        assert_eq!(refusal_of_client(&io::ErrorKind::ConnectionReset.into()), None);
    }

    #[cfg(feature = "native-tls")]
    #[test]
    fn the_number_of_an_alert_is_read_in_openssls_words() {
        let text = "error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate \
                    required:../ssl/record/rec_layer_s3.c:1586:SSL alert number 116";
        assert_eq!(number_in(text), Some(116));
        assert_eq!(number_in("SSL alert number 48:"), Some(48));
        assert_eq!(number_in("unexpected eof while reading"), None);
    }
}
