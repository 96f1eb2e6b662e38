//! Values of statements that are built from parts.

use tokio_postgres::types::ToSql;

/// Values of the placeholders in a statement that is built from parts.
///
/// User input never becomes part of a statement's text: [`Values::bind`] returns the placeholder to write instead.
#[derive(Default)]
pub(in crate::store) struct Values(Vec<Box<dyn ToSql + Sync + Send>>);

impl Values {
    /// Adds a value and returns its placeholder.
    pub(in crate::store) fn bind(&mut self, value: impl ToSql + Sync + Send + 'static) -> String {
        self.0.push(Box::new(value));
        format!("${}", self.0.len())
    }

    /// Returns the values in the form that the driver expects.
    pub(in crate::store) fn as_params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.0.iter().map(|value| value.as_ref() as &(dyn ToSql + Sync)).collect()
    }
}
