using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace Presence.Host.Ingest;

/// <summary>Reads a request's body whole, up to a bound.</summary>
internal static class IngestBody
{
    /// <summary>The body, or null when it is larger than <paramref name="bytesMax"/>. Throws OperationCanceledException.</summary>
    public static async Task<byte[]?> Read(HttpRequest request, int bytesMax, CancellationToken cancellation)
    {
        if (request.ContentLength > bytesMax)
            return null;
        PipeReader reader = request.BodyReader;
        while (true)
        {
            ReadResult read = await reader.ReadAsync(cancellation);
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (buffer.Length > bytesMax)
            {
                reader.AdvanceTo(buffer.End);
                return null;
            }

            if (read.IsCompleted)
            {
                byte[] body = buffer.ToArray();
                reader.AdvanceTo(buffer.End);
                return body;
            }

            // Nothing consumed, all looked at: wait for more.
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }
}
