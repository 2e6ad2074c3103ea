namespace LiveSocket;

/// <summary>One topic as this node reads it: its head and its newest entries, for all legs that follow it.</summary>
public sealed class TopicFeed(string topic, ITopicLog log, Action<Exception, string> onError) : ITail
{
    /// <summary>The number of entries that legs share; a leg that is further behind reads the log.</summary>
    const int Recent = 1_024;
    readonly Lock turn = new();
    readonly Entry?[] recent = new Entry?[Recent];
    readonly HashSet<Leg> readers = [];
    /// <summary>The oldest offset in <c>recent</c>, which has all entries from there up to the head.</summary>
    long from = 1;
    Head head = new("", 0, 1);
    Task? refreshing;
    bool again;

    public string Topic => topic;
    public int Holders;
    public Head Head { get { lock (turn) return head; } }

    public void Join(Leg leg) { lock (turn) readers.Add(leg); }
    public void Leave(Leg leg) { lock (turn) readers.Remove(leg); }

    public void Appended(string epoch, Entry entry)
    {
        lock (turn)
        {
            if (epoch == head.Epoch && entry.Offset <= head.Offset) return;
            if (epoch == head.Epoch && entry.Offset == head.Offset + 1)
            {
                recent[entry.Offset % Recent] = entry;
                from = Math.Max(from, entry.Offset - Recent + 1);
                head = head with { Offset = entry.Offset };
                foreach (var reader in readers) reader.Wake();
                return;
            }
        }
        Behind();
    }

    /// <summary>Reads the head until it gets an answer: nothing else might bring what was missed.</summary>
    public async void Behind()
    {
        for (; ; )
            try { await Refresh(); return; }
            catch (Exception error)
            {
                onError(error, "asking where a topic stands");
                await Task.Delay(500);
                if (Volatile.Read(ref Holders) == 0) return;
            }
    }

    /// <summary>Asks the log for the topic's head. A call while an answer is under way waits for the next one.</summary>
    public Task Refresh()
    {
        lock (turn)
        {
            if (refreshing is { IsCompleted: false })
            {
                again = true;
                return refreshing;
            }
            return refreshing = Task.Run(Ask);
        }
    }

    async Task Ask()
    {
        for (; ; )
        {
            lock (turn) again = false;
            var now = await log.GetHead(topic);
            lock (turn)
            {
                // What came meanwhile may be newer than the answer, but only in the same epoch.
                if (now.Epoch != head.Epoch || now.Offset > head.Offset)
                {
                    head = now;
                    from = now.Offset + 1;
                    foreach (var reader in readers) reader.Wake();
                }
                else head = head with { Oldest = Math.Max(head.Oldest, now.Oldest) };
                if (!again)
                {
                    refreshing = null;
                    return;
                }
            }
        }
    }

    /// <summary>A page of what comes after that offset; empty if there is nothing, or if the epoch has changed.</summary>
    public async ValueTask<IReadOnlyList<Entry>> After(string epoch, long offset)
    {
        lock (turn)
        {
            if (epoch != head.Epoch || offset >= head.Offset) return [];
            if (offset + 1 >= from)
            {
                var found = new List<Entry>();
                for (var at = offset + 1; at <= head.Offset && found.Count < 64; at++) found.Add(recent[at % Recent]!);
                return found;
            }
        }
        var page = await log.Read(topic, offset);
        if (page.Epoch != epoch) await Refresh();
        return page.Epoch == epoch ? page.Entries : [];
    }
}

/// <summary>The topics that legs of this node follow.</summary>
public sealed class TopicFeeds(ITopicLog log, Action<Exception, string> onError)
{
    readonly Dictionary<string, TopicFeed> feeds = [];

    /// <summary>A feed that knows its head, or an exception of the log. Give it back with <see cref="Release"/>.</summary>
    public async Task<TopicFeed> Hold(string topic, From from)
    {
        TopicFeed? feed;
        bool fresh;
        lock (feeds)
        {
            fresh = !feeds.TryGetValue(topic, out feed);
            if (fresh) feeds[topic] = feed = new TopicFeed(topic, log, onError);
            feed!.Holders++;
        }
        try
        {
            // Before its head is read, so that nothing falls in between.
            if (fresh) log.Follow(topic, feed);
            // The head is known if somebody follows the topic. A client with another position may know of a newer one.
            if (feed.Head.Epoch == "" || (from.Epoch is not null && (from.Epoch, from.Offset) != (feed.Head.Epoch, feed.Head.Offset))) await feed.Refresh();
            return feed;
        }
        catch
        {
            Release(feed);
            throw;
        }
    }

    public void Release(TopicFeed feed)
    {
        lock (feeds)
        {
            if (--feed.Holders > 0) return;
            feeds.Remove(feed.Topic);
            log.Unfollow(feed.Topic);
        }
    }
}
