namespace Presence.Host.Demo;

/// <summary>Someone who comes to a business, with a phone and perhaps a laptop.</summary>
internal sealed class DemoPerson(string contact, string name, string phone, string? laptop, bool isRandomized, bool logsIn)
{
    public string Contact { get; } = contact;

    public string Name { get; } = name;

    /// <summary>MAC of the phone.</summary>
    public string Phone { get; } = phone;

    /// <summary>MAC of the laptop; null for most.</summary>
    public string? Laptop { get; } = laptop;

    /// <summary>The phone's MAC is locally administered, though the same at every visit.</summary>
    public bool IsRandomized { get; } = isRandomized;

    /// <summary>Whether this person ever uses the portal.</summary>
    public bool LogsIn { get; } = logsIn;

    /// <summary>The portal knows this person already.</summary>
    public bool IsKnown { get; set; }

    /// <summary>In a venue, or on the way back to one.</summary>
    public bool IsOut { get; set; }
}
