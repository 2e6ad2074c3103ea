using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace LiveSocket;

/// <summary>The only thing that servers share: it numbers, stores and dedupes, so that any of them can be replaced at any moment.</summary>
public interface ITopicLog : IAsyncDisposable
{
    /// <summary>
    /// Gives the data the topic's next number, stores it and records the answer, in one step. A repeat changes nothing and gets the
    /// first answer. Throws <see cref="LogAway"/> where nothing was done; after any other exception nobody knows.
    /// </summary>
    Task<Answer> Append(string topic, byte[] data, Origin? origin);
    /// <summary>Records that the publish was refused for good, unless it has an answer already. The answer that holds.</summary>
    Task<Answer> Refuse(Origin origin, Answer nack);
    Task<Head> GetHead(string topic);
    /// <summary>Kept entries above <paramref name="after"/>, from the oldest on.</summary>
    Task<Page> Read(string topic, long after);
    Task<Admission> Admit(string session, long leg, string? subject);
    Task Release(string session, long leg);
    /// <summary>Listens to what comes into the topic, from before the call returns on.</summary>
    void Follow(string topic, ITail tail);
    void Unfollow(string topic);
    /// <summary>It began anew, and does not know any more what was published before.</summary>
    event Action? Lost;
    /// <summary>Why it cannot be asked now, and for how long; null where it can.</summary>
    (string Reason, TimeSpan Away)? Trouble { get; }
}

public interface ITail
{
    void Appended(string epoch, Entry entry);
    /// <summary>Something may have been missed: the head must be asked for.</summary>
    void Behind();
}

/// <summary>Where a topic stands. <c>Oldest</c> is the oldest offset that is kept, <c>Offset + 1</c> where nothing is.</summary>
public sealed record Head(string Epoch, long Offset, long Oldest);
public sealed record Page(string Epoch, IReadOnlyList<Entry> Entries);
public enum Admission { Admitted, Superseded, Forbidden }

/// <summary>A message as logs keep it: its data, and behind a line's end whose publish it was and under which id.</summary>
public sealed class Entry
{
    readonly string topic;
    readonly string? session, id;
    readonly byte[]? by;
    byte[]? frame;

    public Entry(string topic, long offset, byte[] kept)
    {
        (this.topic, Offset) = (topic, offset);
        var end = Array.IndexOf(kept, (byte)'\n');
        Data = end < 0 ? kept : kept[..end];
        if (end < 0) return;
        try
        {
            using var about = JsonDocument.Parse(kept.AsMemory(end + 1));
            var fields = about.RootElement.EnumerateArray().ToArray();
            if (fields[0].ValueKind == JsonValueKind.String) (session, id) = (fields[0].GetString(), fields[1].GetString());
            if (fields.Length > 2) by = JsonMarshal.GetRawUtf8Value(fields[2]).ToArray();
        }
        // Of another program that shares the log.
        catch (Exception foreign) when (foreign is JsonException or InvalidOperationException or IndexOutOfRangeException) { }
    }

    /// <summary>JSON data, in one line, with whose it is behind it. A line's end in JSON is only ever a blank.</summary>
    public static byte[] Kept(byte[] data, Origin? origin)
    {
        var line = Array.ConvertAll(data, one => one is (byte)'\n' or (byte)'\r' ? (byte)' ' : one);
        return origin is null ? line : [.. line, (byte)'\n', .. Frames.Encode(new[] { origin.Session, origin.Id })];
    }

    public long Offset { get; }
    public byte[] Data { get; }

    /// <summary>For a leg of that session which has seen <paramref name="prev"/>; for most of them the same one.</summary>
    public byte[] Frame(long prev, string? reader) =>
        prev != Offset - 1 || (session is not null && session == reader)
            ? Frames.Message(topic, Offset, prev, Data, session == reader ? id : null, by)
            : frame ??= Frames.Message(topic, Offset, prev, Data, null, by);
}

/// <summary>Who published, under which number, and what can be told of its first copy. Times are milliseconds.</summary>
/// <param name="Age">Of a repeat: how long before this copy it was first sent.</param>
/// <param name="SentAfter">This copy was sent at that moment of <see cref="Clock"/> or later.</param>
public sealed record Origin(string Session, string Id, string Topic, long? N, long? Age, double SentAfter);

/// <summary>Milliseconds that never go back.</summary>
public static class Clock
{
    public static double Now => Stopwatch.GetElapsedTime(0).TotalMilliseconds;
}

/// <summary>A final answer to a publish: an ack where <c>Code</c> is null.</summary>
public sealed record Answer(long? Offset, byte[]? Data = null, string? Code = null, string? Message = null)
{
    public static readonly Answer OutOfOrder = new(null, null, "out-of-order", "A later publish of this session into the topic was decided first: this one was not applied, and will not be.");
    public static readonly Answer OutcomeUnknown = new(null, null, "outcome-unknown", "This publish may be older than what the server remembers: whether it was applied can no longer be told.");
}

/// <summary>Nothing was done, and it may be asked anew.</summary>
public sealed class LogAway(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>How much of each topic is kept, and for how long answers are known. The same on every node.</summary>
public sealed record LogLimits(int MaxMessages = 1_000, int MaxBytes = 1_048_576, long MaxAge = 300_000, long DedupeWindow = 600_000, int MaxIds = 1_000);
