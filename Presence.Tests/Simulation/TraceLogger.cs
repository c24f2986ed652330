using Microsoft.Extensions.Logging;
using Presence.Core.Log.Simulated;

namespace Presence.Tests.Simulation;

/// <summary>The runtime's log lines among the notes of a world.</summary>
internal sealed class TraceLogger(Action<string> trace, SimulatedWorld world) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        trace($"{world.Now / 1e6,11:0.000000} [{logLevel}] {formatter(state, exception)}");
}
