using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Presence.Tests.Kafka;

/// <summary>
/// Stands between clients and a broker, and behaves once like a leader that is only just coming up: the first produce
/// request to a topic of one partition is held until the second one is there, and is then refused
/// (NOT_LEADER_OR_FOLLOWER) without having been passed on. All else passes, one request after the other on each
/// connection, since answers come in the order of requests.
/// </summary>
internal sealed class RefusingProxy : IDisposable
{
    private const int Produce = 0;
    private const int NotLeaderOrFollower = 6;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly string _host;
    private readonly int _port;
    private readonly byte[] _topic;
    private readonly byte[] _address;
    private readonly byte[] _ownAddress;
    private int _requests;

    public RefusingProxy(string broker, string topic)
    {
        int colon = broker.LastIndexOf(':');
        _host = broker[..colon];
        _port = int.Parse(broker[(colon + 1)..], System.Globalization.CultureInfo.InvariantCulture);
        _topic = Encoding.UTF8.GetBytes(topic);
        _listener.Start();
        int ownPort = ((IPEndPoint)_listener.LocalEndpoint).Port;
        Bootstrap = $"{_host}:{ownPort}";
        _address = Address(_port);
        _ownAddress = Address(ownPort);
        _ = Accept();
    }

    public string Bootstrap { get; }

    /// <summary>Produce requests to the topic so far.</summary>
    public int Requests => Volatile.Read(ref _requests);

    public void Dispose()
    {
        _end.Cancel();
        _listener.Dispose();
    }

    private async Task Accept()
    {
        while (true)
            _ = Serve(await _listener.AcceptTcpClientAsync(_end.Token));
    }

    private async Task Serve(TcpClient accepted)
    {
        using TcpClient client = accepted, broker = new();
        client.NoDelay = broker.NoDelay = true;
        await broker.ConnectAsync(_host, _port, _end.Token);
        NetworkStream down = client.GetStream(), up = broker.GetStream();
        while (true)
        {
            List<byte[]> requests = [await Read(down)];
            if (IsToTopic(requests[0]) && Interlocked.Increment(ref _requests) == 1)
            {
                do
                    requests.Add(await Read(down));
                while (!IsToTopic(requests[^1]));
                Interlocked.Increment(ref _requests);
                await down.WriteAsync(Refusal(requests[0]), _end.Token);
                requests.RemoveAt(0);
            }

            foreach (byte[] request in requests)
            {
                await up.WriteAsync(request, _end.Token);
                byte[] answer = await Read(up);
                // Clients stay behind the proxy.
                for (int at; (at = answer.AsSpan().IndexOf(_address)) >= 0;)
                    _ownAddress.CopyTo(answer, at);
                await down.WriteAsync(answer, _end.Token);
            }
        }
    }

    private bool IsToTopic(byte[] request) => BinaryPrimitives.ReadInt16BigEndian(request.AsSpan(4)) == Produce && request.AsSpan().IndexOf(_topic) >= 0;

    // A produce response of version 9 or 10 for partition 0.
    private byte[] Refusal(byte[] request)
    {
        byte[] unknown = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        byte[] answer =
        [
            0, 0, 0, 0, // length, set below
            .. request.AsSpan(8, 4), // correlation id
            0, // no tags of the header
            2, (byte)(_topic.Length + 1), .. _topic, // one topic
            2, 0, 0, 0, 0, // one partition: 0
            0, NotLeaderOrFollower,
            .. unknown, .. unknown, .. unknown, // offset, append time, log start
            1, 0, 0, // no record errors, no message, no tags of the partition
            0, // no tags of the topic
            0, 0, 0, 0, // not throttled
            0, // no tags
        ];
        BinaryPrimitives.WriteInt32BigEndian(answer, answer.Length - 4);
        return answer;
    }

    private byte[] Address(int port) => [.. Encoding.UTF8.GetBytes(_host), (byte)(port >> 24), (byte)(port >> 16), (byte)(port >> 8), (byte)port];

    // A frame with its length in front.
    private async Task<byte[]> Read(NetworkStream stream)
    {
        byte[] length = new byte[4];
        await stream.ReadExactlyAsync(length, _end.Token);
        byte[] frame = new byte[4 + BinaryPrimitives.ReadInt32BigEndian(length)];
        length.CopyTo(frame, 0);
        await stream.ReadExactlyAsync(frame.AsMemory(4), _end.Token);
        return frame;
    }
}
