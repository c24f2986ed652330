namespace Presence.Core.Events;

/// <summary>Outcome of decoding a record.</summary>
/// <param name="Breach">How it breaks the contract; <see cref="Events.Breach.None"/> when it does not.</param>
/// <param name="Field">The field concerned, null where none is.</param>
/// <param name="EventTime">Event time in ms: orders the record among the task's inputs.</param>
/// <param name="MovesClock">
/// Whether the event time moves its input's clock. False where it says when the record arrived rather than when
/// something happened (null values), and for old facts emitted anew.
/// </param>
public readonly record struct Decoded(Breach Breach, string? Field, long EventTime, bool MovesClock)
{
    /// <summary>A good record.</summary>
    public static Decoded At(long eventTime, bool movesClock = true) => new(Breach.None, null, eventTime, movesClock);

    /// <summary>A record that goes to the dead-letter topic.</summary>
    public static Decoded Bad(Breach breach, string? field = null) => new(breach, field, 0, false);

    /// <summary>True for a record that keeps the contract.</summary>
    public bool IsGood => Breach == Breach.None;
}
