using Presence.Core.Stages;
using Presence.Core.State;

namespace Presence.Core.Runtime;

/// <summary>A task that this instance is to run.</summary>
/// <param name="Task">Which.</param>
/// <param name="Definition">Its stage.</param>
/// <param name="Topics">Where it writes.</param>
/// <param name="ChangelogTopicId">Identity of its changelog topic.</param>
/// <param name="DeleteRetention">How long the changelog keeps tombstones.</param>
/// <param name="Policy">What becomes of bad input.</param>
/// <param name="Worker">Index of the worker that gets it.</param>
/// <param name="Bounds">Of its state in memory.</param>
public sealed record TakeoverRequest(
    TaskId Task,
    StageDefinition Definition,
    TaskTopics Topics,
    string ChangelogTopicId,
    TimeSpan DeleteRetention,
    BadInputPolicy Policy,
    int Worker,
    StoreBounds Bounds)
{
    /// <summary>How its store was found to be damaged while the task ran; null where it was not.</summary>
    public string? Damage { get; init; }
}
