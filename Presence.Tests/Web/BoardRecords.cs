using System.Globalization;
using System.Text;
using Presence.Host.Web.Board;

namespace Presence.Tests.Web;

/// <summary>Values of the output topics, and their way onto a board.</summary>
internal static class BoardRecords
{
    public const long Noon = 1_700_049_600_000;

    public const long Minute = 60_000;

    public static string WalkIn(string visit, string device, long at, string venue = "centre") =>
        $$"""{"visit":"{{visit}}","device":"{{device}}","business":"cafe","venue":"{{venue}}","at":{{N(at)}},"firstSeen":{{N(at - (5 * Minute))}},"rssi":-50}""";

    public static string Ended(string visit, string device, long firstSeen, long lastSeen, string venue = "centre") =>
        $$"""{"visit":"{{visit}}","device":"{{device}}","business":"cafe","venue":"{{venue}}","firstSeen":{{N(firstSeen)}},"lastSeen":{{N(lastSeen)}},"dwellSeconds":{{N((lastSeen - firstSeen) / 1000)}}}""";

    public static string Enriched(string visit, string device, string contact, long at, string name = "Ada Lovelace", string venue = "centre") =>
        $$"""{"visit":"{{visit}}","business":"cafe","venue":"{{venue}}","contact":"{{contact}}","email":"{{contact}}@example.org","name":"{{name}}","device":"{{device}}","at":{{N(at)}},"firstSeen":{{N(at - (5 * Minute))}}}""";

    public static string Count(string contact, long count, string visit, long at) =>
        $$"""{"business":"cafe","contact":"{{contact}}","count":{{N(count)}},"lastVisit":"{{visit}}","lastAt":{{N(at)}}}""";

    public static bool Apply(this Board board, BoardTopic topic, string value)
    {
        BoardRecord record = new();
        bool good = record.Decode(topic, Encoding.UTF8.GetBytes(value));
        if (good)
            board.Apply(topic, record);
        return good;
    }

    private static string N(long number) => number.ToString(CultureInfo.InvariantCulture);
}
