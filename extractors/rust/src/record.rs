//! What a core puts out: values in the schema's order, at a time.

/// The value of a feature.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A finite float64.
    Number(f64),
    /// A whole number.
    Count(u64),
    /// True or false.
    Bool(bool),
    /// A name.
    Text(String),
}

/// What is put out at once: the features of a window, or a transition.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The window's end, or the transition's time, in µs.
    pub ts: i64,
    /// In the schema's order.
    pub values: Vec<Value>,
}
