//! Scheduled reports and their runs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hidden_characters::is_hidden;
use super::id::{ChannelId, ReportId, ReportRunId};
use super::new_post::Rejection;

/// Maximum length of a report's name in characters. It becomes the subject of an email.
pub const NAME_CHARACTERS_MAX: usize = 100;

/// Maximum length of a filter's value in characters. No product, city or other value of a post is longer.
pub const FILTER_CHARACTERS_MAX: usize = 256;

/// How often a report is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cadence {
    /// Every day, about the day before.
    Daily,
    /// Once a week, about the seven days before.
    Weekly,
    /// Once a month, about the days since the previous report.
    Monthly,
}

impl Cadence {
    /// Every cadence, the most frequent first.
    pub const ALL: [Self; 3] = [Self::Daily, Self::Weekly, Self::Monthly];

    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }
}

/// Day of the week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    /// Monday, the default.
    #[default]
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl Weekday {
    /// Every weekday, in order.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Monday => "monday",
            Self::Tuesday => "tuesday",
            Self::Wednesday => "wednesday",
            Self::Thursday => "thursday",
            Self::Friday => "friday",
            Self::Saturday => "saturday",
            Self::Sunday => "sunday",
        }
    }
}

/// When a report is sent, in the local time of a time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// How often the report is sent.
    pub cadence: Cadence,
    /// Day on which a weekly report is sent; other reports ignore it. Defaults to Monday.
    #[serde(default)]
    pub weekday: Weekday,
    /// Day of the month on which a monthly report is sent, 1 to 31; other reports ignore it. In a month without this
    /// day, the report is sent on the last day. Defaults to 1.
    #[serde(default = "first")]
    #[schema(minimum = 1, maximum = 31)]
    pub day: i8,
    /// Local hour at which the report is sent, 0 to 23.
    #[schema(minimum = 0, maximum = 23)]
    pub hour: i8,
    /// Minute of that hour, 0 to 59; defaults to 0. A time that daylight saving skips is moved an hour later; for a
    /// time that occurs twice, the first occurrence is used.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 59)]
    pub minute: i8,
    /// IANA time zone, such as `Europe/Berlin`.
    #[schema(min_length = 1, max_length = 64)]
    pub tz: String,
}

fn first() -> i8 {
    1
}

/// Posts that a report covers. Absent fields match every post; `""` matches posts without a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportFilter {
    /// Product that posts must be about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256, pattern = r"^[^\x00]*$")]
    pub product: Option<String>,
    /// Platform on which posts were published.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256, pattern = r"^[^\x00]*$")]
    pub platform: Option<String>,
    /// Support or marketing channel of the posts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256, pattern = r"^[^\x00]*$")]
    pub channel: Option<String>,
    /// City that posts come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256, pattern = r"^[^\x00]*$")]
    pub city: Option<String>,
    /// Source through which posts entered Groundswell, such as `http` or `replay`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256, pattern = r"^[^\x00]*$")]
    pub source: Option<String>,
}

impl ReportFilter {
    /// Returns the names of all fields with their values.
    pub fn fields(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("product", self.product.as_deref()),
            ("platform", self.platform.as_deref()),
            ("channel", self.channel.as_deref()),
            ("city", self.city.as_deref()),
            ("source", self.source.as_deref()),
        ]
    }
}

/// Report to create, replace or preview.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReport {
    /// Display name and subject of the email, 1 to 100 characters on one line.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
    )]
    pub name: String,
    /// Whether the report is sent on its schedule; defaults to true.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// When the report is sent.
    pub schedule: Schedule,
    /// Posts that the report covers; defaults to all posts.
    #[serde(default)]
    pub filter: ReportFilter,
    /// Notification channel whose recipients get the report. It must be an email channel.
    pub notification_channel: ChannelId,
}

fn yes() -> bool {
    true
}

impl NewReport {
    /// Returns the report with its name trimmed, if all fields are valid. The caller checks the time zone and the
    /// channel.
    ///
    /// # Errors
    /// [`Rejection`] that names the first invalid field.
    pub fn checked(self) -> Result<Self, Rejection> {
        let name = self.name.trim();
        let n_characters = self.name.chars().count();
        if name.is_empty() || n_characters > NAME_CHARACTERS_MAX || name.chars().any(is_hidden) {
            return Err(invalid(
                "name",
                format!("must be 1 to {NAME_CHARACTERS_MAX} characters on one line"),
            ));
        }
        let Schedule { day, hour, minute, .. } = &self.schedule;
        for (field, value, least, most) in
            [("day", *day, 1, 31), ("hour", *hour, 0, 23), ("minute", *minute, 0, 59)]
        {
            if !(least..=most).contains(&value) {
                let problem = format!("must be between {least} and {most}");
                return Err(invalid(&format!("schedule.{field}"), problem));
            }
        }
        for (field, value) in self.filter.fields() {
            let is_invalid =
                |value: &str| value.chars().count() > FILTER_CHARACTERS_MAX || value.contains('\0');
            if value.is_some_and(is_invalid) {
                let problem = format!("must be at most {FILTER_CHARACTERS_MAX} characters, without NUL");
                return Err(invalid(&format!("filter.{field}"), problem));
            }
        }
        Ok(Self { name: name.to_owned(), ..self })
    }
}

/// Returns the rejection of a field; `problem` is a predicate such as `is out of range`.
pub fn invalid(field: &str, problem: String) -> Rejection {
    Rejection { code: "invalid_field", field: field.to_owned(), message: format!("`{field}` {problem}") }
}

/// Report as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Report {
    /// Id of the report, as used in `/reports/{id}`.
    pub id: ReportId,
    /// Display name and subject of the email.
    pub name: String,
    /// Whether the report is sent on its schedule.
    pub enabled: bool,
    /// When the report is sent.
    pub schedule: Schedule,
    /// Posts that the report covers.
    pub filter: ReportFilter,
    /// Notification channel whose recipients get the report.
    pub notification_channel: ChannelId,
    /// Name of the person or program that created the report; null if unknown.
    pub created_by: Option<String>,
    /// Name of the person or program that last changed the report; null if unknown.
    pub updated_by: Option<String>,
    /// Time at which the report was created.
    pub created_at: Timestamp,
    /// Time at which the report was last changed.
    pub updated_at: Timestamp,
    /// Time at which the report is next sent; null while it is disabled.
    pub next_at: Option<Timestamp>,
    /// Newest run; null before the first.
    pub last_run: Option<ReportRun>,
}

/// Progress of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// The report is being created or sent, or waits for a retry.
    Pending,
    /// The mail server accepted the report.
    Sent,
    /// The report was abandoned after the last attempt, or because its channel was disabled.
    Failed,
}

impl RunState {
    /// Every state, in declaration order.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Sent, Self::Failed];

    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

/// Period of event time that a report covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Period {
    /// Start of the period, inclusive: local midnight.
    pub from: Timestamp,
    /// End of the period, exclusive: local midnight.
    pub to: Timestamp,
}

/// One run of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReportRun {
    /// Id of the run, as used in `/report-runs/{id}.html`.
    pub id: ReportRunId,
    /// Report that was sent.
    pub report: ReportId,
    /// Scheduled time of the run; null if a person requested it.
    pub due_at: Option<Timestamp>,
    /// Period that the report covers.
    pub period: Period,
    /// Progress of the run.
    pub state: RunState,
    /// Number of attempts to send the report so far.
    pub attempts: i32,
    /// Human-readable reason why the last attempt failed; null if it succeeded or there was none.
    pub error: Option<String>,
    /// Time of the next attempt; null if none is scheduled.
    pub next_attempt_at: Option<Timestamp>,
    /// Whether the report can be downloaded as HTML. Only the newest reports are kept.
    pub html: bool,
    /// Whether the report can be downloaded as PDF.
    pub pdf: bool,
    /// Human-readable reason why the report was sent without a PDF; null if it has one or is not finished.
    pub pdf_error: Option<String>,
    /// Time at which the run was created.
    pub created_at: Timestamp,
    /// Time at which the mail server accepted the report; null before that.
    pub sent_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(change: impl FnOnce(&mut NewReport)) -> Result<NewReport, Rejection> {
        let json = serde_json::json!({
            "name": " Weekly ", "schedule": {"cadence": "weekly", "hour": 8, "tz": "Europe/Berlin"},
            "notification_channel": "01930000-0000-7000-8000-000000000001",
        });
        let mut new: NewReport = serde_json::from_value(json).unwrap();
        change(&mut new);
        new.checked()
    }

    #[test]
    fn a_report_has_defaults_and_a_trimmed_name() {
        let report = new(|_| {}).unwrap();
        assert_eq!((report.name.as_str(), report.enabled), ("Weekly", true));
        assert_eq!(
            (report.schedule.weekday, report.schedule.day, report.schedule.minute),
            (Weekday::Monday, 1, 0)
        );
        assert_eq!(report.filter, ReportFilter::default());
    }

    #[test]
    fn an_invalid_field_is_named() {
        let refused = |field: &str, change: fn(&mut NewReport)| {
            assert_eq!(new(change).unwrap_err().field, field);
        };
        refused("name", |new| new.name = "  ".to_owned());
        refused("name", |new| new.name = "a\r\nBcc: b@c.d".to_owned());
        refused("name", |new| new.name = "x".repeat(101));
        refused("schedule.day", |new| new.schedule.day = 0);
        refused("schedule.day", |new| new.schedule.day = 32);
        refused("schedule.hour", |new| new.schedule.hour = 24);
        refused("schedule.minute", |new| new.schedule.minute = -1);
        refused("filter.city", |new| new.filter.city = Some("a\0".to_owned()));
        refused("filter.product", |new| new.filter.product = Some("x".repeat(257)));
    }
}
