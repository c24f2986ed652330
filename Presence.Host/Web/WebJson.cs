using System.Text.Json.Serialization;
using Presence.Host.Web.Board;
using Presence.Host.Web.Status;

namespace Presence.Host.Web;

/// <summary>JSON of the API. Fields are always there; null means not known or none.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StatusDocument))]
[JsonSerializable(typeof(VenuesDocument))]
[JsonSerializable(typeof(VenueDocument))]
[JsonSerializable(typeof(VisitChange))]
[JsonSerializable(typeof(TotalsChange))]
[JsonSerializable(typeof(Problem))]
internal sealed partial class WebJson : JsonSerializerContext;

/// <summary>Why a request was not served.</summary>
internal sealed record Problem(string Error);
