using Presence.Core.Runtime;

namespace Presence.Core.Assignment;

/// <summary>An incarnation that can be given tasks, as it has announced itself.</summary>
/// <param name="Incarnation">Its id; unique.</param>
/// <param name="Instance">The instance it is a life of.</param>
/// <param name="Rack">Failure zone; empty where it has none.</param>
/// <param name="Stages">Names of the stages it can run.</param>
/// <param name="Workers">Number of its workers.</param>
/// <param name="Copies">Changelog offset of each copy on its disk, open or not.</param>
/// <param name="Ready">Those that follow their changelog and have all of it.</param>
public sealed record FleetMember(
    string Incarnation,
    string Instance,
    string Rack,
    IReadOnlySet<string> Stages,
    int Workers,
    IReadOnlyDictionary<TaskId, long> Copies,
    IReadOnlySet<TaskId> Ready);
