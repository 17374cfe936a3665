//! Changes to a base case: merge patches (RFC 7396) and single places by JSON Pointer.
use serde_json::Value;

/// Merges a patch into a value; `null` removes.
pub(crate) fn merge(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(members) = value {
        for (name, change) in patch {
            if change.is_null() {
                members.remove(name);
            } else {
                merge(members.entry(name).or_insert(Value::Null), change);
            }
        }
    }
}

/// Sets one place; `-` appends to a list, `null` removes a member.
pub(crate) fn set(value: &mut Value, pointer: &str, new: &Value) {
    let (parent, last) = pointer.rsplit_once('/').unwrap_or_else(|| panic!("{pointer:?}"));
    match value.pointer_mut(parent) {
        Some(Value::Object(members)) if new.is_null() => {
            members.remove(last);
        }
        Some(Value::Object(members)) => {
            members.insert(last.to_owned(), new.clone());
        }
        Some(Value::Array(list)) if last == "-" => list.push(new.clone()),
        Some(Value::Array(list)) => {
            let place = last.parse().ok().and_then(|index: usize| list.get_mut(index));
            *place.unwrap_or_else(|| panic!("no {pointer}")) = new.clone();
        }
        Some(_) | None => panic!("no {pointer}"),
    }
}
