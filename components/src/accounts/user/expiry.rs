//! The day on which an account ends.

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;

/// When an account ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    Never,
    On(String),
}

impl Expiry {
    /// The day, counted from 1970-01-01.
    pub(super) fn days(&self) -> Result<Option<i64>> {
        let Self::On(text) = self else { return Ok(None) };
        let day =
            parse(text).with_context(|| format!("`{text}` is no day")).code(code::OPTION_VALUE);
        day.hint("write it as `2031-12-31`").map(Some)
    }

    /// The difference from what the system knows.
    pub(super) fn change(&self, present: Option<i64>) -> Result<Verdict> {
        let wanted = self.days()?;
        let shown = |day: Option<i64>| day.map_or_else(|| "never".to_owned(), civil);
        let change = Change::property("expires", shown(present), shown(wanted));
        Ok(Verdict::expect(present == wanted, change))
    }

    /// What `usermod --expiredate` takes.
    pub(super) fn argument(&self) -> &str {
        match self {
            Self::Never => "",
            Self::On(day) => day,
        }
    }
}

/// Days of four centuries, after which the calendar begins again.
const ERA: i64 = 146_097;

/// From the first of March of the year 0 to 1970.
const TO_1970: i64 = 719_468;

/// A day as a count; years begin in March here, so that the day that may be missing comes last.
fn parse(text: &str) -> Option<i64> {
    let [year, month, day] = text.split('-').collect::<Vec<_>>()[..] else { return None };
    if [year.len(), month.len(), day.len()] != [4, 2, 2] {
        return None;
    }
    let (year, month, day): (i64, i64, i64) =
        (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let of_era = year.rem_euclid(400);
    let days = year.div_euclid(400) * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    let days = days - TO_1970;
    // What comes back as another day was none, like the 30th of February.
    (days >= 0 && civil(days) == text).then_some(days)
}

/// A count of days as it is written.
fn civil(days: i64) -> String {
    let days = days + TO_1970;
    let (era, of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, of_next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", year + era * 400 + of_next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("1970-12-31", 364),
            ("2000-02-29", 11_016),
            ("2000-03-01", 11_017),
            ("2024-12-31", 20_088),
            ("2100-03-01", 47_541),
        ] {
            assert_eq!((parse(text), civil(days)), (Some(days), text.to_owned()));
        }
        assert!((0..80_000).all(|day| parse(&civil(day)) == Some(day)));
    }

    #[test]
    fn what_is_no_day_is_named() {
        for text in
            ["", "2031", "2031-2-03", "2031-13-01", "2031-00-10", "2031-02-30", "1969-12-31", "é"]
        {
            let error = Expiry::On(text.to_owned()).days().unwrap_err();
            assert!(format!("{error:#}").contains(&format!("`{text}` is no day")), "{error:#}");
        }
    }

    #[test]
    fn the_difference_is_shown_in_days() {
        let shown = |expiry: Expiry, present| {
            let verdict = expiry.change(present).unwrap();
            verdict.changes().first().map(ToString::to_string)
        };
        assert_eq!(shown(Expiry::Never, None), None);
        assert_eq!(shown(Expiry::On("1970-01-02".into()), Some(1)), None);
        assert_eq!(shown(Expiry::Never, Some(1)).unwrap(), "expires 1970-01-02 → never");
    }
}
