namespace Presence.Core.Runtime;

/// <summary>
/// Hears of everything that happens to an instance and its tasks, after it has happened. Called by the loops themselves,
/// several at a time: it returns at once. What it throws is logged, and changes nothing.
/// </summary>
public interface ILifecycleListener
{
    /// <summary>Something happened.</summary>
    void OnEvent(in LifecycleEvent happened);
}
