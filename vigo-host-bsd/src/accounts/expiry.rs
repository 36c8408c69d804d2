//! Days as usermod(8) takes them.

use alloc::format;
use alloc::string::String;
use vigo_core::resource::user::Expiry;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Returns the argument of `usermod -e`: `January 5 2030`, or `0` for never.
pub(super) fn argument(expiry: Expiry) -> String {
    let text = format!("{expiry}");
    let mut parts = text.split('-').map(|part| part.parse::<usize>().ok());
    match (parts.next().flatten(), parts.next().flatten(), parts.next().flatten()) {
        (Some(year), Some(month), Some(day)) if expiry != Expiry::Never => {
            let month = month.checked_sub(1).and_then(|m| MONTHS.get(m)).copied().unwrap_or_default();
            format!("{month} {day} {year}")
        }
        _ => "0".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_month_day_year() {
        for (written, expected) in
            [("2030-01-05", "January 5 2030"), ("2024-02-29", "February 29 2024"), ("1999-12-31", "December 31 1999")]
        {
            assert_eq!(argument(Expiry::parse(written).unwrap()), expected);
        }
        assert_eq!(argument(Expiry::Never), "0");
    }
}
