using Presence.Core.Runtime;

namespace Presence.Host.Web.Status;

/// <summary>Where the page learns how the instance is. Any thread.</summary>
internal interface IStatusSource
{
    /// <summary>A snapshot.</summary>
    InstanceStatus Status();

    /// <summary>The log it runs on, for people.</summary>
    string LogDescription { get; }
}
