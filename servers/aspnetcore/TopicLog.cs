using System.Diagnostics;
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

/// <summary>A message as logs keep it: its data, and behind a line's end whose publish it was, under which id, and by whom.</summary>
public sealed class Entry
{
    readonly string topic;
    readonly string? session, id;
    readonly RawJson? by;
    byte[]? frame;

    public Entry(string topic, long offset, byte[] kept)
    {
        (this.topic, Offset) = (topic, offset);
        var end = Array.IndexOf(kept, (byte)'\n');
        Data = new RawJson(end < 0 ? kept : kept[..end]);
        if (end < 0) return;
        try
        {
            var about = Frames.Read<RawJson[]>(kept.AsSpan(end + 1));
            (session, id) = (Frames.Read<string?>(about[0].Utf8), Frames.Read<string?>(about[1].Utf8));
            by = about.ElementAtOrDefault(2);
        }
        // Of another program that shares the log.
        catch (Exception foreign) when (foreign is JsonException or IndexOutOfRangeException) { }
    }

    /// <summary>JSON data, in one line, with whose it is behind it. A line's end in JSON is only ever a blank.</summary>
    public static byte[] Kept(byte[] data, Origin? origin)
    {
        var line = Array.ConvertAll(data, one => one is (byte)'\n' or (byte)'\r' ? (byte)' ' : one);
        return origin is null ? line : [.. line, (byte)'\n', .. Frames.Encode(new[] { origin.Session, origin.Id })];
    }

    public long Offset { get; }
    public RawJson Data { get; }

    /// <summary>For a leg of that session which has seen <paramref name="prev"/>; for most of them the same one.</summary>
    public byte[] Frame(long prev, string? reader)
    {
        var own = session is not null && session == reader;
        return prev == Offset - 1 && !own ? frame ??= Encoded(null, null) : Encoded(prev == Offset - 1 ? null : prev, own ? id : null);
    }

    byte[] Encoded(long? prev, string? id) => Frames.Encode(new { type = "message", topic, offset = Offset, prev, id, by, data = Data });
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

/// <summary>An answer to a publish: an ack where <c>Code</c> is null. With <c>RetryAfter</c> it is not final.</summary>
public sealed record Answer(long? Offset = null, RawJson? Data = null, string? Code = null, string? Message = null, int? RetryAfter = null)
{
    public static readonly Answer OutOfOrder = new(Code: "out-of-order", Message: "A later publish of this session into the topic was decided first: this one was not applied, and will not be.");
    public static readonly Answer OutcomeUnknown = new(Code: "outcome-unknown", Message: "This publish may be older than what the server remembers: whether it was applied can no longer be told.");
    public static readonly Answer Forbidden = new(Code: "forbidden", Message: "This topic is not yours to write.");
    public static readonly Answer Untold = new(Code: "busy", Message: "Whether this is allowed cannot be told now.", RetryAfter: 1_000);
    public static readonly Answer Busy = new(Code: "busy", Message: "The server cannot reach its log.", RetryAfter: 1_000);
}

/// <summary>Nothing was done, and it may be asked anew.</summary>
public sealed class LogAway(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>How much of each topic is kept, and for how long answers are known. The same on every node.</summary>
public sealed record LogLimits(int MaxMessages = 1_000, int MaxBytes = 1_048_576, long MaxAge = 300_000, long DedupeWindow = 600_000, int MaxIds = 1_000);
