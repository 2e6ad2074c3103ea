using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LiveSocket;

/// <summary>What a client says, as docs/protocol.md has it.</summary>
public abstract record ClientFrame;
public sealed record Hello(string Session, long Leg, string? Token, IReadOnlyDictionary<string, Position?> Topics) : ClientFrame;
public sealed record Subscribe(string Id, IReadOnlyDictionary<string, Position?> Topics) : ClientFrame;
public sealed record Unsubscribe(IReadOnlyList<string> Topics) : ClientFrame;
public sealed record Publish(string Id, string Topic, long? N, byte[] Data, long? Age) : ClientFrame;
public sealed record Auth(string Token) : ClientFrame;
public sealed record Request(string Id) : ClientFrame;
public sealed record Ping : ClientFrame;

/// <summary>Up to where somebody was served.</summary>
public sealed record Position(string Epoch, long Offset);

/// <summary>A frame breaks the protocol's rules. What it says names the field and never the value, which may be a token.</summary>
public sealed class InvalidFrame(string message) : Exception(message);

public static class Frames
{
    public const string Subprotocol = "livesocket.v1";
    public const int MaxToken = 65_536;
    const int MaxTopic = 256, MaxId = 128, MaxEpoch = 64;
    const double MaxWhole = 9_007_199_254_740_991;

    static readonly JsonDocumentOptions Reading = new() { MaxDepth = 10_000 };
    static readonly JsonSerializerOptions Writing = new()
    {
        // Nothing here is ever put into HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        DictionaryKeyPolicy = null,
    };

    public static byte[] Encode(object frame) => JsonSerializer.SerializeToUtf8Bytes(frame, Writing);

    /// <summary>A message whose data is JSON text already; without data it only moves the position.</summary>
    public static byte[] Message(string topic, long offset, long prev, byte[]? data, string? id = null, byte[]? by = null)
    {
        var head = Encode(new { type = "message", topic, offset, prev = prev == offset - 1 ? (long?)null : prev, id });
        if (by is not null) head = [.. head.AsSpan(0, head.Length - 1), .. ",\"by\":"u8, .. by, (byte)'}'];
        return data is null ? head : [.. head.AsSpan(0, head.Length - 1), .. ",\"data\":"u8, .. data, (byte)'}'];
    }

    /// <summary>Null: of a type that we do not know, which is ignored.</summary>
    public static ClientFrame? Decode(ReadOnlyMemory<byte> text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, Reading);
            var fields = document.RootElement;
            if (fields.ValueKind != JsonValueKind.Object) throw new InvalidFrame("a frame must be a JSON object");
            if (!fields.TryGetProperty("type", out var type) || type.ValueKind != JsonValueKind.String) throw new InvalidFrame("type must be a string");
            return type.GetString() switch
            {
                "hello" => new Hello(Text(fields, "session"), Whole(fields, "leg", 1)!.Value, OptionalText(fields, "token", MaxToken), Topics(fields)),
                "subscribe" => new Subscribe(Text(fields, "id"), Topics(fields)),
                "unsubscribe" => new Unsubscribe(Names(fields)),
                "publish" => new Publish(Text(fields, "id"), Text(fields, "topic", MaxTopic), Whole(fields, "n", 1, optional: true), Data(fields), Whole(fields, "age", 0, optional: true)),
                "auth" => new Auth(Text(fields, "token", MaxToken)),
                "request" => new Request(Text(fields, "id")),
                "ping" => new Ping(),
                _ => null,
            };
        }
        catch (JsonException) { throw new InvalidFrame("a frame must be JSON"); }
        // A text with half a surrogate pair.
        catch (InvalidOperationException) { throw new InvalidFrame("a text must be well-formed"); }
    }

    static string Text(JsonElement fields, string name, int most = MaxId) =>
        OptionalText(fields, name, most) ?? throw new InvalidFrame($"{name} must be a string of 1 to {most} characters");

    static string? OptionalText(JsonElement fields, string name, int most)
    {
        if (!fields.TryGetProperty(name, out var value)) return null;
        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        return text.Length >= 1 && text.Length <= most ? text : throw new InvalidFrame($"{name} must be a string of 1 to {most} characters");
    }

    static long? Whole(JsonElement fields, string name, long least, bool optional = false)
    {
        if (!fields.TryGetProperty(name, out var value) && optional) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= least && number <= MaxWhole && Math.Floor(number) == number)
            return (long)number;
        throw new InvalidFrame(string.Create(CultureInfo.InvariantCulture, $"{name} must be a whole number from {least} to 2^53 - 1"));
    }

    static byte[] Data(JsonElement fields) =>
        fields.TryGetProperty("data", out var data) ? JsonMarshal.GetRawUtf8Value(data).ToArray() : throw new InvalidFrame("data must be there, if only as null");

    static List<string> Names(JsonElement fields)
    {
        if (!fields.TryGetProperty("topics", out var names) || names.ValueKind != JsonValueKind.Array) throw new InvalidFrame("topics must be an array of names");
        return [.. names.EnumerateArray().Select(name => Name(name.ValueKind == JsonValueKind.String ? name.GetString()! : ""))];
    }

    static string Name(string name) =>
        name.Length is >= 1 and <= MaxTopic ? name : throw new InvalidFrame($"topics must have names of 1 to {MaxTopic} characters");

    static Dictionary<string, Position?> Topics(JsonElement fields)
    {
        if (!fields.TryGetProperty("topics", out var entries) || entries.ValueKind != JsonValueKind.Object) throw new InvalidFrame("topics must be an object");
        var topics = new Dictionary<string, Position?>();
        foreach (var entry in entries.EnumerateObject())
        {
            var at = entry.Value;
            if (at.ValueKind != JsonValueKind.Object) throw new InvalidFrame("topics must hold an object for each topic");
            // `{}`, whatever else is in it, is from now on; half a position is neither.
            var now = !at.TryGetProperty("epoch", out _) && !at.TryGetProperty("offset", out _);
            topics[Name(entry.Name)] = now ? null : new Position(Text(at, "epoch", MaxEpoch), Whole(at, "offset", 0)!.Value);
        }
        return topics;
    }
}
