namespace Presence.Core.Events;

/// <summary>Breaches as people and metrics name them.</summary>
public static class BreachNames
{
    private static readonly string[] Names =
    [
        "none", "no_key", "key_mismatch", "no_value", "not_json", "missing_field", "mistyped_field", "bad_id",
        "time_out_of_range", "number_out_of_range", "text_too_long", "too_many",
    ];

    /// <summary>The name in snake case.</summary>
    public static string Of(Breach breach) => Names[(int)breach];
}
