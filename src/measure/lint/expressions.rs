//! Expressions of the portable subset: columns, plain values, arithmetic, conditions, functions and windows.

use std::collections::BTreeSet;

use sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, DataType, DateTimeField, DuplicateTreatment, ExactNumberInfo, Expr,
    Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, GroupByExpr, Query, Select,
    SetExpr, UnaryOperator, Value, ValueWithSpan, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec,
    WindowType,
};

use super::{Check, OUTSIDE, demand, identifier, order_key, refuse, relation, terms};

/// Functions whose answer is an unsigned number of 32 bits in polars.
const UNSIGNED: [&str; 5] = ["COUNT", "ROW_NUMBER", "RANK", "DENSE_RANK", "LENGTH"];
const AGGREGATES: [&str; 7] = ["COUNT", "SUM", "MIN", "MAX", "AVG", "MEDIAN", "STDDEV"];
/// Functions of one row.
const PLAIN: [&str; 6] = ["COALESCE", "NULLIF", "GREATEST", "LEAST", "ABS", "LENGTH"];
/// Functions of an ordered window.
const ORDERED: [&str; 5] = ["ROW_NUMBER", "RANK", "DENSE_RANK", "LAG", "LEAD"];

/// Where an expression stands.
#[derive(Clone, Copy, Default)]
pub(super) struct Place<'a> {
    /// Names given in the same projection.
    pub aliases: &'a [&'a str],
    /// Tables that an EXISTS may read.
    pub tables: Option<&'a BTreeSet<String>>,
    /// A count may stand here without a cast.
    pub bare: bool,
    /// Inside the argument of an aggregate.
    pub aggregated: bool,
}

/// Whether an expression is a column and nothing else.
pub(super) fn is_column(value: &Expr) -> bool {
    matches!(value, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
}

/// Checks an expression.
pub(super) fn expression(value: &Expr, place: Place<'_>) -> Check {
    let inner = Place { bare: false, ..place };
    let each = |values: &[&Expr]| values.iter().try_for_each(|one| expression(one, inner));
    match value {
        Expr::Identifier(name) => {
            let lateral = place.aliases.contains(&name.value.as_str());
            demand(!lateral, name, "polars knows no names of the same SELECT; write `table.column`, or use a step")?;
            identifier(name)
        }
        Expr::CompoundIdentifier(parts) if parts.len() == 2 => parts.iter().try_for_each(identifier),
        Expr::Value(ValueWithSpan { value: plain, .. }) => match plain {
            Value::Number(_, false) | Value::SingleQuotedString(_) | Value::Boolean(_) | Value::Null => Ok(()),
            _ => refuse(value, "write numbers, 'text', TRUE, FALSE or NULL"),
        },
        Expr::Nested(own) => expression(own, place),
        Expr::UnaryOp { op: UnaryOperator::Not | UnaryOperator::Minus, expr } => each(&[expr]),
        Expr::IsNull(own) | Expr::IsNotNull(own) => each(&[own]),
        Expr::BinaryOp { left, op, right } => binary(value, left, op, right, inner),
        Expr::Between { expr, negated: _, low, high } => {
            let place = Place { bare: true, ..place };
            [expr, low, high].into_iter().try_for_each(|one| expression(one, place))
        }
        Expr::InList { expr, list, negated: _ } => {
            each(&[expr])?;
            list.iter().try_for_each(|one| expression(one, inner))
        }
        Expr::Case { case_token: _, end_token: _, operand, conditions, else_result } => {
            operand.iter().chain(else_result).try_for_each(|one| expression(one, inner))?;
            conditions.iter().try_for_each(|when| each(&[&when.condition, &when.result]))
        }
        Expr::Cast { kind, expr, data_type, array, format } => {
            demand(*kind == CastKind::Cast && !array && format.is_none(), value, "write CAST(… AS …)")?;
            cast(value, expr, data_type)?;
            expression(expr, Place { bare: true, ..place })
        }
        Expr::Floor { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
            expression(expr, Place { bare: true, ..place })
        }
        Expr::Exists { subquery, negated: _ } => exists(subquery, place),
        Expr::Function(call) => function(call, place),
        Expr::Subquery(_) | Expr::InSubquery { .. } => refuse(value, "polars refuses it; make it a step and join it"),
        Expr::Extract { .. } | Expr::Interval(_) | Expr::TypedString(_) | Expr::AtTimeZone { .. } => {
            refuse(value, "dates differ by engine; facts carry integer days and minutes, compare those")
        }
        Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_) => {
            refuse(value, "polars refuses it; group once per level and UNION ALL")
        }
        _ => refuse(value, OUTSIDE),
    }
}

fn binary(whole: &Expr, left: &Expr, op: &BinaryOperator, right: &Expr, inner: Place<'_>) -> Check {
    use BinaryOperator::{And, Divide, Eq, Gt, GtEq, Lt, LtEq, Minus, Modulo, Multiply, NotEq, Or, Plus, StringConcat};
    let mut place = inner;
    match op {
        And | Or | Plus | Minus | Multiply => {}
        Eq | NotEq | Gt | GtEq | Lt | LtEq => place.bare = true,
        Divide => {
            let safe = is_number(right) || matches!(right, Expr::Function(call) if named(call) == "NULLIF");
            demand(safe, whole, "Spark stops at a division by zero; divide by NULLIF(…, 0)")?;
            place.bare = true;
        }
        Modulo => {
            let safe = is_number(right) && matches!(left, Expr::Function(call) if named(call) == "ABS");
            demand(safe, whole, "% of negative values differs by engine; write ABS(…) % number")?;
        }
        StringConcat => return refuse(whole, "joining texts with NULL differs by engine; keep them in columns"),
        _ => return refuse(whole, OUTSIDE),
    }
    expression(left, place)?;
    expression(right, place)
}

/// A positive number as it stands.
fn is_number(value: &Expr) -> bool {
    matches!(value, Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. })
        if digits.parse().is_ok_and(|number: f64| number > 0.0))
}

fn cast(whole: &Expr, value: &Expr, to: &DataType) -> Check {
    match to {
        DataType::BigInt(None) => {
            demand(!is_fraction(value), whole, "DuckDB rounds where others cut off; write CAST(FLOOR(…) AS BIGINT)")
        }
        DataType::Double(ExactNumberInfo::None) | DataType::Varchar(Some(_)) => Ok(()),
        DataType::Varchar(None) => refuse(whole, "Spark wants a length: VARCHAR(255)"),
        DataType::Int(_) | DataType::Integer(_) | DataType::SmallInt(_) | DataType::TinyInt(_) => {
            refuse(whole, "polars wraps around in 32 bits; use BIGINT")
        }
        DataType::DoublePrecision => refuse(whole, "Spark does not know it; use DOUBLE"),
        _ => refuse(whole, "cast to BIGINT, DOUBLE or VARCHAR(n) only"),
    }
}

/// Whether an expression may have a fraction, as far as its text tells.
fn is_fraction(value: &Expr) -> bool {
    match value {
        Expr::Nested(own) => is_fraction(own),
        Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) => digits.contains('.'),
        Expr::BinaryOp { left, op, right } => *op == BinaryOperator::Divide || is_fraction(left) || is_fraction(right),
        Expr::Cast { data_type, .. } => matches!(data_type, DataType::Double(_)),
        Expr::Case { conditions, else_result, .. } => {
            conditions.iter().any(|when| is_fraction(&when.result)) || else_result.as_deref().is_some_and(is_fraction)
        }
        Expr::Function(call) => {
            ["AVG", "MEDIAN", "STDDEV"].contains(&named(call).as_str()) || arguments(call).into_iter().any(is_fraction)
        }
        _ => false,
    }
}

/// `EXISTS (SELECT 1 FROM t WHERE t.k = outer.k)`: equal columns and nothing else.
fn exists(subquery: &Query, place: Place<'_>) -> Check {
    const SHAPE: &str = "polars answers EXISTS for equal columns of one table alone: (SELECT 1 FROM t WHERE t.k = o.k)";
    let SetExpr::Select(body) = subquery.body.as_ref() else { return refuse(subquery, SHAPE) };
    let Select { projection, from, selection: Some(on), group_by, having: None, distinct: None, .. } = body.as_ref()
    else {
        return refuse(subquery, SHAPE);
    };
    let ungrouped =
        matches!(group_by, GroupByExpr::Expressions(keys, modifiers) if keys.is_empty() && modifiers.is_empty());
    // Whatever else the query may have would show in its text.
    let plain = format!(
        "SELECT {} FROM {} WHERE {on}",
        projection.first().map_or_else(String::new, ToString::to_string),
        from.first().map_or_else(String::new, ToString::to_string)
    );
    demand(ungrouped && subquery.to_string() == plain, subquery, SHAPE)?;
    match (from.as_slice(), place.tables) {
        ([source], Some(tables)) if source.joins.is_empty() => relation(&source.relation, tables)?,
        _ => return refuse(subquery, SHAPE),
    }
    demand(terms(on, false).is_ok(), subquery, SHAPE)
}

fn named(call: &Function) -> String {
    call.name.to_string().to_uppercase()
}

/// The arguments of a call that are expressions.
fn arguments(call: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &call.args else { return Vec::new() };
    let expressions = list.args.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Some(value),
        _ => None,
    });
    expressions.collect()
}

fn function(call: &Function, place: Place<'_>) -> Check {
    let name = named(call);
    let name = name.as_str();
    if !(AGGREGATES.contains(&name) || PLAIN.contains(&name) || ORDERED.contains(&name)) {
        return refuse(call, instead_of(name));
    }
    let Function { name: _, uses_odbc_syntax, parameters, args, filter, null_treatment, over, within_group } = call;
    demand(within_group.is_empty(), "WITHIN GROUP", instead_of("PERCENTILE_CONT"))?;
    let plain = !uses_odbc_syntax && matches!(parameters, FunctionArguments::None) && null_treatment.is_none();
    let FunctionArguments::List(FunctionArgumentList { duplicate_treatment, args, clauses }) = args else {
        return refuse(call, OUTSIDE);
    };
    demand(plain && clauses.is_empty(), call, OUTSIDE)?;
    let star = name == "COUNT" && matches!(args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
    let values = arguments(call);
    demand(star || values.len() == args.len(), call, OUTSIDE)?;
    let distinct = matches!(duplicate_treatment, Some(DuplicateTreatment::Distinct));
    demand(!distinct || name == "COUNT", call, "DISTINCT works inside COUNT alone; make it SELECT DISTINCT in a step")?;
    let aggregate = AGGREGATES.contains(&name);
    demand(
        !(aggregate && place.aggregated),
        call,
        "polars answers an aggregate of an aggregate per group; aggregate in a step, then again",
    )?;
    demand(
        place.bare || !UNSIGNED.contains(&name),
        call,
        "polars counts in unsigned 32 bits, so 1 - 6 is 4294967291; write CAST(… AS BIGINT)",
    )?;
    match over {
        Some(WindowType::WindowSpec(window)) => {
            demand(!distinct, call, "Spark refuses COUNT(DISTINCT …) OVER; number the rows, or count in a step")?;
            demand(filter.is_none(), call, "polars refuses FILTER with OVER; use CASE inside the aggregate")?;
            over_window(call, name, &values, window)?;
        }
        Some(WindowType::NamedWindow(_)) => return refuse(call, "write each window out after its OVER"),
        None => demand(!ORDERED.contains(&name), call, "write its window: OVER (PARTITION BY … ORDER BY …)")?,
    }
    let inner = Place { bare: name == "LENGTH", aggregated: place.aggregated || aggregate, ..place };
    values.into_iter().chain(filter.as_deref()).try_for_each(|value| expression(value, inner))
}

/// What to write in place of a function that the engines do not share.
fn instead_of(name: &str) -> &'static str {
    match name {
        "PERCENTILE_CONT" | "PERCENTILE_DISC" | "QUANTILE_CONT" | "QUANTILE_DISC" | "PERCENTILE" | "QUANTILE" => {
            "take the nearest rank: ROW_NUMBER and COUNT over the values, then MIN(CASE WHEN rank_no * 100 >= 85 * n THEN value END)"
        }
        "FIRST_VALUE" | "LAST_VALUE" | "NTH_VALUE" => {
            "polars gives the current row; number the rows and join the first"
        }
        "CONCAT" | "CONCAT_WS" => "joining texts with NULL differs by engine; keep them in columns",
        "ROUND" | "CEIL" | "CEILING" => "rounding of halves differs by engine; use FLOOR",
        "MOD" => "remainders of negative values differ by engine; write ABS(…) % number",
        "DATE_TRUNC" | "DATE_PART" | "DATE_DIFF" | "DATEDIFF" | "DATE_ADD" | "NOW" | "CURRENT_DATE" | "STRFTIME" => {
            "dates differ by engine; facts carry integer days and minutes, use those"
        }
        "REGEXP_LIKE" | "REGEXP_MATCHES" => "regular expressions differ by engine; put the answer into a fact",
        "GENERATE_SERIES" => "Spark does not know it; the fact workdays has one row a working day",
        _ => "this function is outside the portable subset; docs/signals.md shows what works everywhere",
    }
}

fn over_window(call: &Function, name: &str, values: &[&Expr], window: &WindowSpec) -> Check {
    let WindowSpec { window_name, partition_by, order_by, window_frame } = window;
    demand(window_name.is_none(), call, "write each window out after its OVER")?;
    partition_by.iter().try_for_each(|key| {
        demand(is_column(key), key, "partition by columns; name an expression in a step first")?;
        expression(key, Place::default())
    })?;
    order_by.iter().try_for_each(order_key)?;
    let directions: BTreeSet<bool> = order_by.iter().map(|key| key.options.asc.unwrap_or(true)).collect();
    demand(directions.len() < 2, call, "polars refuses ASC beside DESC inside OVER; order by one direction")?;
    if ORDERED.contains(&name) {
        demand(!order_by.is_empty(), call, "the order of rows differs by engine; write ORDER BY inside OVER")?;
        demand(window_frame.is_none(), call, "leave the frame out")?;
        demand(values.len() < 3, call, "polars refuses LAG and LEAD with a default; use COALESCE around it")?;
        return demand(values.get(1).is_none_or(|offset| is_number(offset)), call, "the distance is a plain number");
    }
    if order_by.is_empty() {
        let whole = ["COUNT", "SUM", "MIN", "MAX", "AVG"].contains(&name);
        demand(whole, call, "this works as an aggregate in a step, and not over a window")?;
        return demand(window_frame.is_none(), call, "a frame needs ORDER BY");
    }
    demand(["SUM", "MIN", "MAX"].contains(&name), call, "only SUM, MIN and MAX run along ORDER BY")?;
    let column = values.iter().any(|value| has_column(value));
    demand(column, call, "polars gives 1 on each row; run over a column of ones made in a step")?;
    let running = WindowFrame {
        units: WindowFrameUnits::Rows,
        start_bound: WindowFrameBound::Preceding(None),
        end_bound: Some(WindowFrameBound::CurrentRow),
    };
    demand(
        window_frame.as_ref() == Some(&running),
        call,
        "frames differ by engine; write ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    )
}

/// Whether a column stands in an expression.
fn has_column(value: &Expr) -> bool {
    match value {
        Expr::Nested(own) | Expr::UnaryOp { expr: own, .. } | Expr::Cast { expr: own, .. } => has_column(own),
        Expr::BinaryOp { left, right, .. } => has_column(left) || has_column(right),
        Expr::Case { conditions, .. } => {
            conditions.iter().any(|when| has_column(&when.condition) || has_column(&when.result))
        }
        Expr::Function(call) => arguments(call).into_iter().any(has_column),
        other => is_column(other),
    }
}
