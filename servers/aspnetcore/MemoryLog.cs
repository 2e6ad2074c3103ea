namespace LiveSocket;

/// <summary>A log in this process. It ends with the process, and its content is lost then.</summary>
public sealed class MemoryLog(LogLimits? limits = null) : ITopicLog
{
    const int MaxTopics = 10_000, MaxIdle = 100_000;
    readonly LogLimits limits = limits ?? new();
    readonly Lock turn = new();
    readonly Dictionary<string, Topic> topics = [];
    readonly Dictionary<string, ITail> tails = [];
    readonly Dictionary<string, Session> sessions = [];
    double begun;

    sealed class Topic
    {
        public readonly string Epoch = Guid.NewGuid().ToString("N");
        public readonly Queue<(Entry Entry, double At)> Kept = new();
        public long Offset, Bytes;
        public double UsedAt;
    }

    sealed class Session(double born)
    {
        public long Newest;
        public double IdleSince, Born = born, ForgottenUpTo = -1;
        public string? Subject;
        public readonly HashSet<long> Legs = [];
        /// <summary>In order of time: ids are only ever added at the end, and removed from the front.</summary>
        public readonly Dictionary<string, (Answer Answer, double At)> Answers = [];
        public readonly Queue<string> Ids = new();
        public readonly Dictionary<string, long> Counted = [];
    }

    public event Action? Lost;
    public (string, TimeSpan)? Trouble => null;
    static double Now => Clock.Now;

    public Task<Answer> Append(string name, byte[] data, Origin? origin)
    {
        lock (turn)
        {
            var session = origin is null ? null : SessionOf(origin.Session);
            if (session is not null && Find(session, origin!) is { } known) return Task.FromResult(known);
            var topic = TopicOf(name);
            var entry = new Entry(name, ++topic.Offset, Entry.Kept(data, origin));
            topic.Kept.Enqueue((entry, Now));
            topic.Bytes += data.Length;
            Trim(topic);
            var answer = new Answer(topic.Offset);
            if (session is not null) Record(session, origin!, answer);
            if (tails.TryGetValue(name, out var tail)) tail.Appended(topic.Epoch, entry);
            return Task.FromResult(answer);
        }
    }

    public Task<Answer> Refuse(Origin origin, Answer nack)
    {
        lock (turn)
        {
            var session = SessionOf(origin.Session);
            var known = Find(session, origin);
            if (known is null) Record(session, origin, nack);
            return Task.FromResult(known ?? nack);
        }
    }

    public Task<Head> GetHead(string name)
    {
        lock (turn)
        {
            var topic = TopicOf(name);
            Trim(topic);
            return Task.FromResult(new Head(topic.Epoch, topic.Offset, topic.Kept.TryPeek(out var first) ? first.Entry.Offset : topic.Offset + 1));
        }
    }

    public Task<Page> Read(string name, long after)
    {
        lock (turn)
        {
            var topic = TopicOf(name);
            return Task.FromResult(new Page(topic.Epoch, [.. topic.Kept.Select(kept => kept.Entry).SkipWhile(entry => entry.Offset <= after).Take(256)]));
        }
    }

    public Task<Admission> Admit(string name, long leg, string? subject)
    {
        lock (turn)
        {
            // Everything that was ever decided of a session that begins here is known.
            var fresh = !sessions.ContainsKey(name) && leg == 1;
            var session = SessionOf(name);
            if (session.Newest > 0 && session.Subject != subject) return Task.FromResult(Admission.Forbidden);
            if (leg <= session.Newest) return Task.FromResult(Admission.Superseded);
            if (fresh) session.Born = -1;
            (session.Newest, session.Subject) = (leg, subject);
            session.Legs.Add(leg);
            return Task.FromResult(Admission.Admitted);
        }
    }

    public Task Release(string name, long leg)
    {
        lock (turn)
        {
            if (sessions.TryGetValue(name, out var session) && session.Legs.Remove(leg)) session.IdleSince = Now;
            return Task.CompletedTask;
        }
    }

    public void Follow(string topic, ITail tail) { lock (turn) tails[topic] = tail; }
    public void Unfollow(string topic) { lock (turn) tails.Remove(topic); }

    /// <summary>Loses its data, as a crash would: every topic starts over. Sessions are not affected.</summary>
    public void Forget()
    {
        lock (turn)
        {
            topics.Clear();
            begun = Now;
            foreach (var session in sessions.Values)
            {
                session.Born = begun;
                session.Answers.Clear();
                session.Ids.Clear();
                session.Counted.Clear();
            }
        }
        Lost?.Invoke();
        ITail[] all;
        lock (turn) all = [.. tails.Values];
        foreach (var tail in all) tail.Behind();
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    Topic TopicOf(string name)
    {
        if (!topics.TryGetValue(name, out var topic))
        {
            if (topics.Count >= MaxTopics && topics.Where(one => !tails.ContainsKey(one.Key)).MinBy(one => one.Value.UsedAt) is { Key: { } quietest }) topics.Remove(quietest);
            topics[name] = topic = new Topic();
        }
        topic.UsedAt = Now;
        return topic;
    }

    void Trim(Topic topic)
    {
        while (topic.Kept.TryPeek(out var first) && (topic.Kept.Count > limits.MaxMessages || topic.Bytes > limits.MaxBytes || Now - first.At >= limits.MaxAge))
            topic.Bytes -= topic.Kept.Dequeue().Entry.Data.Utf8.Length;
    }

    Session SessionOf(string name)
    {
        if (sessions.TryGetValue(name, out var session)) return session;
        if (sessions.Count >= MaxIdle)
            foreach (var (idle, _) in sessions.Where(one => one.Value.Legs.Count == 0).OrderBy(one => one.Value.IdleSince).Take(MaxIdle / 10).ToArray()) sessions.Remove(idle);
        // A session that was forgotten may have published before.
        return sessions[name] = new Session(Now) { IdleSince = Now };
    }

    /// <summary>Server rules 4 and 5. Null: the publish was never decided, and may be applied.</summary>
    Answer? Find(Session session, Origin origin)
    {
        while (session.Ids.TryPeek(out var id) && (session.Ids.Count > limits.MaxIds || session.Answers[id].At < Now - limits.DedupeWindow))
        {
            session.ForgottenUpTo = session.Answers[id].At;
            session.Answers.Remove(session.Ids.Dequeue());
        }
        if (session.Answers.TryGetValue(origin.Id, out var known)) return known.Answer;
        // It was first sent at this time or later.
        var sent = origin.SentAfter - (origin.Age ?? 0);
        var remembered = sent > session.Born && sent > session.ForgottenUpTo;
        Answer? answer = null;
        if (origin.Age > limits.DedupeWindow) answer = Answer.OutcomeUnknown;
        else if (origin.N is null) answer = origin.Age is null || remembered ? null : Answer.OutcomeUnknown;
        else if (session.Counted.TryGetValue(origin.Topic, out var newest) && origin.N <= newest) answer = remembered ? Answer.OutOfOrder : Answer.OutcomeUnknown;
        else if (sent <= session.Born) answer = Answer.OutcomeUnknown;
        if (answer is not null) Record(session, origin, answer);
        return answer;
    }

    static void Record(Session session, Origin origin, Answer answer)
    {
        if (session.Answers.TryAdd(origin.Id, (answer, Now))) session.Ids.Enqueue(origin.Id);
        if (origin.N is { } n) session.Counted[origin.Topic] = Math.Max(n, session.Counted.GetValueOrDefault(origin.Topic));
    }
}
