//! Why a store gives no object.

use std::time::Duration;

use togusa_core::host::ExecError;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::sources::fetched::{Method, Origin as _};

use super::object::Object;

/// What a store said.
#[derive(Debug, Default, PartialEq)]
struct Refusal {
    code: String,
    message: String,
    region: Option<String>,
}

impl Refusal {
    /// Reads the answer of a store: XML of a few elements, which hold text alone.
    fn read(body: &str) -> Option<Self> {
        let element = |name: &str| {
            let (_, rest) = body.split_once(&format!("<{name}>"))?;
            let (text, _) = rest.split_once(&format!("</{name}>"))?;
            Some(unescaped(text.trim()))
        };
        body.contains("<Error>").then_some(())?;
        Some(Self {
            code: element("Code")?,
            message: element("Message").unwrap_or_default(),
            region: element("Region"),
        })
    }

    fn error(&self, object: &Object) -> anyhow::Error {
        let Self { code, message, region } = self;
        let said = match message.trim_end_matches('.') {
            "" => code.clone(),
            message => format!("{code}: {message}"),
        };
        let refused = || fault!(code::STORE_REFUSES, "the store refuses to give it: {said}");
        let shown = object.shown();
        let (error, hint) = match code.as_str() {
            "NoSuchBucket" => (
                fault!(code::NO_OBJECT, "the store has no bucket `{}`", object.bucket),
                "look at the name of the bucket, and at the `.endpoint(…)` of the store".to_owned(),
            ),
            "NoSuchKey" | "NoSuchVersion" => (
                fault!(code::NO_OBJECT, "the store has no {shown}"),
                "look at the key, which has no `/` at its beginning, and at the version".to_owned(),
            ),
            "RequestTimeTooSkewed" => (
                fault!(code::CLOCK_APART, "the clock of the host is not that of the store"),
                "let the host keep time, for example by `chrony`".to_owned(),
            ),
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException" => (
                fault!(
                    code::BUCKET_ELSEWHERE,
                    "the bucket `{}` is not in the region {}: {said}",
                    object.bucket,
                    object.region
                ),
                match region {
                    Some(region) => format!("set `.region(\"{region}\")`"),
                    None => "set `.region(…)` to that of the bucket".to_owned(),
                },
            ),
            "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken" => {
                (refused(), "look at the access key and its secret".to_owned())
            }
            _ => (
                refused(),
                "let the policy of the bucket or of the user allow `s3:GetObject`; without the right \
                 to list a bucket, what is missing is refused in the same way"
                    .to_owned(),
            ),
        };
        match Err::<(), _>(error).hint(hint) {
            Err(error) => error,
            Ok(()) => refused(),
        }
    }
}

/// Asks the store once more why it gave nothing, and tells that if it can be told.
pub(super) fn explained(object: &Object, probe: &Probe<'_>, error: anyhow::Error) -> anyhow::Error {
    // Of curl: the server refused, or sends elsewhere.
    let refused = match error.downcast_ref::<ExecError>() {
        Some(ExecError::Failed { failure, .. }) => matches!(failure.code, Some(22 | 47)),
        Some(_) => false,
        None => error.to_string().starts_with("the server answers"),
    };
    if !refused {
        return error;
    }
    match asked_again(object, probe) {
        Ok(Some(refusal)) => refusal.error(object),
        // What it was asked for at first is what matters.
        Ok(None) | Err(_) => error,
    }
}

fn asked_again(object: &Object, probe: &Probe<'_>) -> Result<Option<Refusal>> {
    let mut request = object.request(probe, Method::Get)?.into_owned();
    request.timeout = Duration::from_secs(60);
    request.retries = 0;
    request.headers.push(("range".into(), "bytes=0-1023".into()));
    let answer = request.answer(probe)?;
    let refused = !(200..300).contains(&answer.status);
    demand!(refused, code::NO_ANSWER_OF_USE, "it is not refused any more");
    let refusal = Refusal::read(&String::from_utf8_lossy(&answer.body));
    Ok(refusal.map(|mut refusal| {
        let region = answer.header("x-amz-bucket-region").map(str::to_owned);
        refusal.region = refusal.region.or(region);
        refusal
    }))
}

fn unescaped(text: &str) -> String {
    let signs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    signs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::S3Object;

    /// What a store says, with its hint.
    fn told(body: &str) -> String {
        let object = S3Object::new("b", "k", "f").object;
        format!("{:?}", Refusal::read(body).unwrap().error(&object))
    }

    #[test]
    fn what_a_store_says_is_told_with_what_to_do() {
        let error = |inner: &str| format!("<?xml version=\"1.0\"?>\n<Error>{inner}</Error>");
        for (inner, says, hint) in [
            ("<Code>NoSuchKey</Code>", "the store has no `s3://b/k`", "look at the key"),
            ("<Code>NoSuchBucket</Code>", "the store has no bucket `b`", "`.endpoint(…)`"),
            ("<Code>RequestTimeTooSkewed</Code>", "the clock of the host", "keep time"),
            (
                "<Code>AuthorizationHeaderMalformed</Code><Message>the region &apos;us-east-1&apos; \
                 is wrong.</Message><Region>eu-west-1</Region>",
                "region us-east-1: AuthorizationHeaderMalformed: the region 'us-east-1' is wrong",
                "set `.region(\"eu-west-1\")`",
            ),
            ("<Code>PermanentRedirect</Code>", "is not in the region", "set `.region(…)`"),
            ("<Code>ExpiredToken</Code>", "refuses to give it: ExpiredToken", "access key"),
            ("<Code>AccessDenied</Code>", "refuses to give it: AccessDenied", "`s3:GetObject`"),
        ] {
            let told = told(&error(inner));
            assert!(told.contains(says) && told.contains(hint), "{told}");
        }
        assert_eq!(Refusal::read("<html>404</html>"), None);
        assert_eq!(Refusal::read("<Error>"), None);
    }
}
