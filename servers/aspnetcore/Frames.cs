using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LiveSocket;

/// <summary>A client's frames, as docs/protocol.md lists them.</summary>
public abstract record ClientFrame;
public sealed record Hello(string Session, long Leg, Dictionary<string, From> Topics, string? Token = null, long? Timeout = null) : ClientFrame;
public sealed record Subscribe(string Id, Dictionary<string, From> Topics) : ClientFrame;
public sealed record Unsubscribe(string[] Topics) : ClientFrame;
public sealed record Publish(string Id, string Topic, RawJson Data, long? N = null, long? Age = null) : ClientFrame;
public sealed record Auth(string Token) : ClientFrame;
public sealed record Request(string Id) : ClientFrame;
public sealed record Ping : ClientFrame;

/// <summary>Where a client begins in a topic: after a position, before its newest <c>Last</c> messages, or, with neither, from now on.</summary>
public sealed record From(string? Epoch = null, long? Offset = null, long? Last = null);

/// <summary>A frame breaks the protocol's rules. The message names fields and never a value, which may be a token.</summary>
public sealed class InvalidFrame(string message) : Exception(message);

public static class Frames
{
    public const string Subprotocol = "livesocket.v1";
    public const int MaxToken = 65_536;
    /// <summary>Bytes of a hello beside its token: the client sends it before it knows what this server allows.</summary>
    public const int Hello = 33_280;

    static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        // Nothing here is ever put into HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        MaxDepth = 10_000,
        Converters = { new Whole() },
    };

    public static byte[] Encode(object frame) => JsonSerializer.SerializeToUtf8Bytes(frame, Options);

    public static T Read<T>(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize<T>(json, Options)!;

    /// <summary>Null: the frame's type is unknown, and the frame is ignored.</summary>
    public static ClientFrame? Decode(ReadOnlySpan<byte> text)
    {
        try
        {
            var fields = Read<JsonElement>(text);
            var type = fields.ValueKind == JsonValueKind.Object && fields.TryGetProperty("type", out var said) && said.ValueKind == JsonValueKind.String ? said.GetString() : throw new InvalidFrame("a frame must be a JSON object with a type");
            ClientFrame? frame = type switch
            {
                "hello" => fields.Deserialize<Hello>(Options),
                "subscribe" => fields.Deserialize<Subscribe>(Options),
                "unsubscribe" => fields.Deserialize<Unsubscribe>(Options),
                "publish" => fields.Deserialize<Publish>(Options),
                "auth" => fields.Deserialize<Auth>(Options),
                "request" => fields.Deserialize<Request>(Options),
                "ping" => new Ping(),
                _ => null,
            };
            return frame is null || IsWithinBounds(frame) ? frame : throw new InvalidFrame($"a text or a number is not within its bounds");
        }
        catch (JsonException wrong) { throw new InvalidFrame($"a frame must be JSON with all that its type has: look at {wrong.Path}"); }
        // A text with half a surrogate pair.
        catch (InvalidOperationException) { throw new InvalidFrame("a text must be well-formed"); }
    }

    static bool IsWithinBounds(ClientFrame frame)
    {
        static bool Id(string id) => id.Length is >= 1 and <= 128;
        static bool Name(string? topic) => topic is { Length: >= 1 and <= 256 };
        static bool Token(string? token) => token is null or { Length: >= 1 and <= MaxToken };
        // A position needs both the epoch and the offset.
        static bool Begins(From? from) => from is not null && from.Epoch is null == from.Offset is null && from.Epoch is null or { Length: >= 1 and <= 64 } && from.Last is null or >= 1;
        static bool Topics(Dictionary<string, From> topics) => topics.All(one => Name(one.Key) && Begins(one.Value));
        return frame switch
        {
            Hello hello => Id(hello.Session) && hello.Leg >= 1 && Token(hello.Token) && Topics(hello.Topics),
            Subscribe subscribe => Id(subscribe.Id) && Topics(subscribe.Topics),
            Unsubscribe unsubscribe => unsubscribe.Topics.All(Name),
            Publish publish => Id(publish.Id) && Name(publish.Topic) && publish.N is null or >= 1,
            Auth auth => Token(auth.Token),
            Request request => Id(request.Id),
            _ => true,
        };
    }

    /// <summary>A whole number from 0 to 2^53 - 1, however it is written.</summary>
    sealed class Whole : JsonConverter<long>
    {
        public override long Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out var number) && number is >= 0 and <= 9_007_199_254_740_991 && Math.Floor(number) == number ? (long)number : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, long value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
    }
}

/// <summary>JSON in UTF-8 as it came, which nothing here looks into.</summary>
[JsonConverter(typeof(Converter))]
public sealed record RawJson(byte[] Utf8)
{
    sealed class Converter : JsonConverter<RawJson>
    {
        // Null is data too.
        public override bool HandleNull => true;

        public override RawJson Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
        {
            using var document = JsonDocument.ParseValue(ref reader);
            return new RawJson(JsonMarshal.GetRawUtf8Value(document.RootElement).ToArray());
        }

        public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options) => writer.WriteRawValue(value.Utf8, skipInputValidation: true);
    }
}
