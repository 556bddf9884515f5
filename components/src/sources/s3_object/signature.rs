//! How requests to stores of objects are signed: version 4 of the signatures of AWS.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use togusa_core::digest::Digest;

/// Who asks.
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: String,
    /// Of keys that hold for a while.
    pub(super) token: Option<String>,
}

/// What is signed.
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    pub(super) host: &'a str,
    /// As it stands in the URL.
    pub(super) path: &'a str,
    /// As it stands in the URL, in the order of names.
    pub(super) query: &'a str,
    pub(super) region: &'a str,
}

impl Asked<'_> {
    /// The headers that show at this time who asks.
    pub(super) fn headers(&self, keys: &Keys, now: SystemTime) -> Vec<(String, String)> {
        let time = timestamp(now);
        let mut headers = vec![
            ("host", self.host.to_owned()),
            // There is no body.
            ("x-amz-content-sha256", Digest::of(b"").to_string()),
            ("x-amz-date", time.clone()),
        ];
        if let Some(token) = &keys.token {
            headers.push(("x-amz-security-token", token.clone()));
        }
        let authorization = self.authorization(keys, &time, &headers);
        headers.push(("authorization", authorization));
        // The programs write the host by themselves.
        let sent = headers.into_iter().skip(1);
        sent.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The header that signs the others, which stand in the order of their names.
    fn authorization(&self, keys: &Keys, time: &str, headers: &[(&str, String)]) -> String {
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let mut canonical = format!("{}\n{}\n{}\n", self.method, self.path, self.query);
        for (name, value) in headers {
            // Writing into a text does not fail.
            let _ = writeln!(canonical, "{name}:{value}");
        }
        let _ = write!(canonical, "\n{names}\n{}", Digest::of(b""));
        let day = &time[..8];
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let canonical = Digest::of(canonical.as_bytes());
        let signed = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{canonical}");
        let key = [day, self.region, "s3", "aws4_request"]
            .iter()
            .fold(format!("AWS4{}", keys.secret).into_bytes(), |key, part| keyed(&key, part));
        let signature = keyed(&key, &signed).iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            keys.id
        )
    }
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The time as signatures have it: `20130524T000000Z`.
fn timestamp(now: SystemTime) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let (days, left) = (seconds / 86400, seconds % 86400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (left / 3600, left / 60 % 60, left % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// The date that is some days after the beginning of 1970. Years begin in March here, so that the day
/// which not every year has is the last.
fn date(days: u64) -> (u64, u64, u64) {
    const OF_400_YEARS: u64 = 146_097;
    // From the first of March of the year 0.
    let days = days + 719_468;
    let (era, day) = (days / OF_400_YEARS, days % OF_400_YEARS);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys and the time of the examples that AWS publishes.
    fn example() -> (Keys, SystemTime) {
        let keys = Keys {
            id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            token: None,
        };
        (keys, UNIX_EPOCH + Duration::from_secs(1_369_353_600))
    }

    #[test]
    fn a_request_is_signed_as_the_manual_of_aws_shows() {
        // "GET Bucket (List Objects)" of the examples for signatures in the Authorization header.
        let (keys, now) = example();
        let asked = Asked {
            method: "GET",
            host: "examplebucket.s3.amazonaws.com",
            path: "/",
            query: "max-keys=2&prefix=J",
            region: "us-east-1",
        };
        let headers = asked.headers(&keys, now);
        let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x-amz-content-sha256", "x-amz-date", "authorization"]);
        assert_eq!(headers[1].1, "20130524T000000Z");
        assert_eq!(
            headers[2].1,
            "AWS4-HMAC-SHA256 \
             Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;x-amz-content-sha256;x-amz-date, \
             Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
    }

    #[test]
    fn a_token_is_signed_too() {
        let (mut keys, now) = example();
        keys.token = Some("t".into());
        let asked = Asked { method: "GET", host: "h", path: "/", query: "", region: "us-east-1" };
        let headers = asked.headers(&keys, now);
        assert_eq!(headers[2], ("x-amz-security-token".to_owned(), "t".to_owned()));
        assert!(headers[3].1.contains("x-amz-date;x-amz-security-token,"), "{headers:?}");
    }

    #[test]
    fn seconds_become_dates() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"),
            (1_735_689_599, "20241231T235959Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            assert_eq!(timestamp(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
