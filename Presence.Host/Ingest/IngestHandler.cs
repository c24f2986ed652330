using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Presence.Core.Log;
using Presence.Host.Web.Access;

namespace Presence.Host.Ingest;

/// <summary>
/// JSON lines into an input topic: all of a body or nothing of it is sent. An answer other than 200 means that the
/// caller repeats the whole body; what of it is in the log already comes twice, which the stages take for once.
/// </summary>
internal sealed class IngestHandler : IDisposable
{
    private readonly Lazy<IRecordWriter> _writer;
    private readonly CallerAccess _access;
    private readonly IngestLimits _limits;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _places;
    private readonly CancellationToken _stopping;

    /// <summary>The writer is made with the first request.</summary>
    public IngestHandler(ILog log, CallerAccess access, IngestLimits limits, TimeProvider time, IHostApplicationLifetime lifetime, ILogger<IngestHandler> logger)
    {
        _stopping = lifetime.ApplicationStopping;
        _writer = new Lazy<IRecordWriter>(log.CreateWriter);
        _access = access;
        _limits = limits;
        _time = time;
        _logger = logger;
        _places = new SemaphoreSlim(limits.ConcurrentRequestsMax);
    }

    /// <summary>Serves one request.</summary>
    public async Task Serve(HttpContext context, LineDecoder decoder)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        if (!_access.MayWrite(context))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            await Refuse(context, StatusCodes.Status401Unauthorized, _access.HasToken
                ? "Send 'Authorization: Bearer' with the token of Presence:Ingest:Token."
                : "Only this machine may write, directly and not through a proxy or a browser. For others set Presence:Ingest:Token and send it as 'Authorization: Bearer'.");
            return;
        }

        if (context.Request.Headers.ContentEncoding.Count > 0)
        {
            await Refuse(context, StatusCodes.Status415UnsupportedMediaType, "Send the body as it is, without Content-Encoding.");
            return;
        }

        if (!_places.Wait(0, CancellationToken.None))
        {
            context.Response.Headers.RetryAfter = "1";
            await Refuse(context, StatusCodes.Status429TooManyRequests, $"{_limits.ConcurrentRequestsMax} requests are in work; send it again in a second.");
            return;
        }

        try
        {
            await Take(context, decoder);
        }
        finally
        {
            _places.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_writer.IsValueCreated)
            _writer.Value.Dispose();
        _places.Dispose();
    }

    private async Task Take(HttpContext context, LineDecoder decoder)
    {
        // The server counts a chunked body's framing too; the body itself is bounded where it is read.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = 2L * _limits.BodyBytesMax;
        byte[]? body;
        using (CancellationTokenSource bodyTime = new(_limits.BodyTimeout, _time))
        using (CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(bodyTime.Token, context.RequestAborted, _stopping))
        {
            try
            {
                body = await IngestBody.Read(context.Request, _limits.BodyBytesMax, either.Token);
            }
            catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
            {
                body = null;
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
            {
                await RefuseForNow(context, "This instance stops; none of it was taken. Send all of it again.");
                return;
            }
            catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
            {
                await Refuse(context, StatusCodes.Status408RequestTimeout, $"The body took longer than {_limits.BodyTimeout.TotalSeconds:0} s to arrive.");
                return;
            }
        }

        if (body is null)
        {
            await Refuse(context, StatusCodes.Status413PayloadTooLarge, $"A body has at most {_limits.BodyBytesMax} bytes; send the lines in several requests.");
            return;
        }

        IngestBatch batch = IngestBatch.Read(body, decoder, _limits, _time.GetUtcNow().ToUnixTimeMilliseconds());
        if (batch.BadLineCount > 0)
        {
            int lines = batch.BadLineCount + batch.Records.Count;
            await Answer(
                context,
                StatusCodes.Status400BadRequest,
                new RefusedLines($"{batch.BadLineCount} of {lines} lines break the contract; none was taken. Mend them or leave them out, and send all again.", batch.BadLineCount, batch.BadLines),
                IngestJson.Default.RefusedLines);
            return;
        }

        if (await Append(context, batch))
            await Answer(context, StatusCodes.Status200OK, new Accepted(batch.Records.Count), IngestJson.Default.Accepted);
    }

    private async Task<bool> Append(HttpContext context, IngestBatch batch)
    {
        string reason;
        using CancellationTokenSource logTime = new(_limits.LogTimeout, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(logTime.Token, context.RequestAborted, _stopping);
        try
        {
            if (batch.Records.Count > 0)
                await _writer.Value.Append(batch.Records, either.Token);
            return true;
        }
        catch (LogException e)
        {
            reason = e.Message;
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            reason = _stopping.IsCancellationRequested ? "the instance stops" : $"the log did not answer within {_limits.LogTimeout.TotalSeconds:0} s";
        }

        _logger.IngestFailed(batch.Records.Count, reason);
        await RefuseForNow(context, "The log did not take the records; send all of them again. Twice is fine.");
        return false;
    }

    private static Task RefuseForNow(HttpContext context, string error)
    {
        context.Response.Headers.RetryAfter = "5";
        return Refuse(context, StatusCodes.Status503ServiceUnavailable, error);
    }

    private static Task Refuse(HttpContext context, int status, string error) => Answer(context, status, new Refused(error), IngestJson.Default.Refused);

    private static Task Answer<T>(HttpContext context, int status, T answer, JsonTypeInfo<T> type)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(answer, type, cancellationToken: context.RequestAborted);
    }
}
