//! Forms of fields in a packed licence, of which millions are kept in memory: as few bytes as tell
//! what stands there.

/// Words that may be missing: none is ever empty, so that an empty one stands for that.
pub mod word {
    use crate::domain::Text;
    use serde::Deserialize;
    use serde::Deserializer;
    use serde::Serializer;

    /// Writes one.
    #[expect(clippy::ref_option, reason = "serde asks for this form")]
    pub fn serialize<S: Serializer>(word: &Option<Text>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(word.as_deref().unwrap_or_default())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Text>, D::Error> {
        let word = <&str>::deserialize(deserializer)?;
        Ok((!word.is_empty()).then(|| Text::new(word)))
    }
}

/// Days as numbers: three bytes each in a packed licence, in place of eleven.
pub mod day {
    use crate::domain::Date;
    use serde::Deserialize;
    use serde::Deserializer;
    use serde::Serialize;
    use serde::Serializer;
    use serde::de::Error;

    fn number(day: Date) -> i32 {
        i32::from(day.year()) * 512 + i32::from(day.month()) * 32 + i32::from(day.day())
    }

    fn date<E: Error>(number: i32) -> Result<Date, E> {
        let year = i16::try_from(number.div_euclid(512)).map_err(E::custom)?;
        let month = i8::try_from(number.rem_euclid(512) / 32).map_err(E::custom)?;
        let day = i8::try_from(number.rem_euclid(32)).map_err(E::custom)?;
        Date::new(year, month, day).map_err(E::custom)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this form")]
    pub fn serialize<S: Serializer>(day: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        number(*day).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        date(i32::deserialize(deserializer)?)
    }

    /// Days that may be missing.
    pub mod optional {
        use super::Date;
        use super::Deserialize;
        use super::Deserializer;
        use super::Serialize;
        use super::Serializer;

        #[expect(
            clippy::ref_option,
            clippy::trivially_copy_pass_by_ref,
            reason = "serde asks for this form"
        )]
        pub fn serialize<S: Serializer>(
            day: &Option<Date>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            day.map(super::number).serialize(serializer)
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Date>, D::Error> {
            Option::<i32>::deserialize(deserializer)?.map(super::date).transpose()
        }
    }
}
