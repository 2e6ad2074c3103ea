using System.Diagnostics;
using System.Text.Json;

namespace LiveSocket;

/// <summary>The only state that servers share: the log numbers, stores and deduplicates, so that any server can be replaced at any moment.</summary>
public interface ITopicLog : IAsyncDisposable
{
    /// <summary>
    /// Gives the data the topic's next offset, stores it and records the answer, in one step. A repeat changes nothing and gets the first
    /// answer. Throws <see cref="LogAway"/> if nothing was done; after any other exception the outcome is unknown.
    /// </summary>
    Task<Answer> Append(string topic, byte[] data, Origin? origin);
    /// <summary>Records that the publish was finally refused, unless it already has an answer. Returns the answer that counts.</summary>
    Task<Answer> Refuse(Origin origin, Answer nack);
    Task<Head> GetHead(string topic);
    /// <summary>Kept entries above <paramref name="after"/>, the oldest first.</summary>
    Task<Page> Read(string topic, long after);
    Task<Admission> Admit(string session, long leg, string? subject);
    Task Release(string session, long leg);
    /// <summary>Listens to what comes into the topic, starting before the call returns.</summary>
    void Follow(string topic, ITail tail);
    void Unfollow(string topic);
    /// <summary>The log started over, and no longer knows what was published before.</summary>
    event Action? Lost;
    /// <summary>Why the log cannot be reached at present, and for how long; null if it can.</summary>
    (string Reason, TimeSpan Away)? Trouble { get; }
}

public interface ITail
{
    void Appended(string epoch, Entry entry);
    /// <summary>Something may have been missed: the head must be read.</summary>
    void Behind();
}

/// <summary>The position of a topic's newest message. <c>Oldest</c> is the oldest offset that is kept, or <c>Offset + 1</c> if none is.</summary>
public sealed record Head(string Epoch, long Offset, long Oldest);
public sealed record Page(string Epoch, IReadOnlyList<Entry> Entries);
public enum Admission { Admitted, Superseded, Forbidden }

/// <summary>A message as logs keep it: its data, and after a line break its session, its publish's id, and its sender.</summary>
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
        // Written by another program that shares the log.
        catch (Exception foreign) when (foreign is JsonException or IndexOutOfRangeException) { }
    }

    /// <summary>JSON data, in one line, followed by its session and id. A line break in JSON is only ever white space.</summary>
    public static byte[] Kept(byte[] data, Origin? origin)
    {
        var line = Array.ConvertAll(data, one => one is (byte)'\n' or (byte)'\r' ? (byte)' ' : one);
        return origin is null ? line : [.. line, (byte)'\n', .. Frames.Encode(new[] { origin.Session, origin.Id })];
    }

    public long Offset { get; }
    public RawJson Data { get; }

    /// <summary>The frame for a leg of that session that has seen <paramref name="prev"/>; most legs share one.</summary>
    public byte[] Frame(long prev, string? reader)
    {
        var own = session is not null && session == reader;
        return prev == Offset - 1 && !own ? frame ??= Encoded(null, null) : Encoded(prev == Offset - 1 ? null : prev, own ? id : null);
    }

    byte[] Encoded(long? prev, string? id) => Frames.Encode(new { type = "message", topic, offset = Offset, prev, id, by, data = Data });
}

/// <summary>Who published, under which number, and what is known of its first copy. Times are milliseconds.</summary>
/// <param name="Age">For a repeat: how long before this copy it was first sent.</param>
/// <param name="SentAfter">This copy was sent at that time of <see cref="Clock"/> or later.</param>
public sealed record Origin(string Session, string Id, string Topic, long? N, long? Age, double SentAfter);

/// <summary>Monotonic milliseconds.</summary>
public static class Clock
{
    public static double Now => Stopwatch.GetElapsedTime(0).TotalMilliseconds;
}

/// <summary>An answer to a publish: an ack if <c>Code</c> is null. With <c>RetryAfter</c> it is not final.</summary>
public sealed record Answer(long? Offset = null, RawJson? Data = null, string? Code = null, string? Message = null, int? RetryAfter = null)
{
    public static readonly Answer OutOfOrder = new(Code: "out-of-order", Message: "A later publish of this session into the topic was decided first: this one was not applied, and will not be.");
    public static readonly Answer OutcomeUnknown = new(Code: "outcome-unknown", Message: "This publish may be older than what the server remembers: it is no longer known whether it was applied.");
    public static readonly Answer Forbidden = new(Code: "forbidden", Message: "This topic is not yours to write.");
    public static readonly Answer Untold = new(Code: "busy", Message: "The server cannot check at present whether this is allowed.", RetryAfter: 1_000);
    public static readonly Answer Busy = new(Code: "busy", Message: "The server cannot reach its log.", RetryAfter: 1_000);
}

/// <summary>Nothing was done, and it may be tried again.</summary>
public sealed class LogAway(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>How much of each topic is kept, and for how long answers are known. The same on every node.</summary>
public sealed record LogLimits(int MaxMessages = 1_000, int MaxBytes = 1_048_576, long MaxAge = 300_000, long DedupeWindow = 600_000, int MaxIds = 1_000);
