namespace Presence.Core.Events;

/// <summary>In what way a record breaks the public contract. The name in snake case is the reason shown to people.</summary>
public enum Breach
{
    /// <summary>It does not.</summary>
    None,

    /// <summary>The record has no key.</summary>
    NoKey,

    /// <summary>The key is not what the value says: its device, its contact, or business|contact.</summary>
    KeyMismatch,

    /// <summary>A null value where none may be.</summary>
    NoValue,

    /// <summary>Not a UTF-8 JSON object.</summary>
    NotJson,

    /// <summary>A required field is not there.</summary>
    MissingField,

    /// <summary>A field has another type than it must.</summary>
    MistypedField,

    /// <summary>An id is not 1 to 200 bytes of printable text without '|' and white space.</summary>
    BadId,

    /// <summary>A time is not an integer between 2000-01-01 and 2100-01-01.</summary>
    TimeOutOfRange,

    /// <summary>A number is outside its range.</summary>
    NumberOutOfRange,

    /// <summary>An e-mail address or a name is longer than 1,000 bytes.</summary>
    TextTooLong,

    /// <summary>A record names more businesses than it may.</summary>
    TooMany,
}
