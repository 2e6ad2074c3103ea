namespace LiveSocket;

/// <summary>An append, identified by its count, its place in the feed, and its stamp.</summary>
public sealed record Mark(string Epoch, long Seq, string Last);

/// <summary>
/// Decides which epoch holds. Whenever another Redis than before is the master, every node says which append it last knew of. If the log
/// has all of them, the epoch continues. If one is missing, or a node does not answer, a new epoch begins. See
/// src/server/redis/roll-call.ts.
/// </summary>
sealed class RollCall(string node, string tag, int lease, Func<string, string[], object[], Task<string[]>> evaluate, Func<Task<string>> term, Func<string> time, Action<long> heard)
{
    /// <summary>Milliseconds: how long other nodes are waited for, and between two looks; and the most ended epochs that are remembered.</summary>
    const int Patience = 8_000, Look = 50, MostEnded = 100;
    Mark known = new("", 0, "");
    readonly List<string> ended = [];
    bool joinedBefore;

    /// <summary>That append is in the log.</summary>
    public void Knows(Mark mark)
    {
        lock (ended)
        {
            if (mark.Epoch == known.Epoch) { if (mark.Seq > known.Seq) known = mark; return; }
            if (ended.Contains(mark.Epoch)) return;
            if (known.Epoch != "") ended.Add(known.Epoch);
            if (ended.Count > MostEnded) ended.RemoveAt(0);
            known = mark;
        }
    }

    /// <summary>The epoch, what the scripts have to find in the root, and the number of appends.</summary>
    public async Task<(string Epoch, string Run, long Appends)> Join()
    {
        var begun = Clock.Now;
        string[] keys = [$"{tag}root", $"{tag}feed", $"{tag}members", $"{tag}call", $"{tag}nodes"];
        for (; ; )
        {
            Mark mine;
            string past;
            lock (ended) (mine, past) = (known, $" {string.Join(' ', ended)} ");
            var said = await evaluate("roll", keys, [await term(), node, mine.Epoch, mine.Seq, mine.Last, time(), joinedBefore ? "" : lease, Guid.NewGuid().ToString("N"), past]);
            // Another Redis became the master between the two questions.
            if (said[0] == "other") { await Task.Delay(Look); continue; }
            var (epoch, run) = (said[1], said[2]);
            if (said[0] == "joined")
            {
                joinedBefore = true;
                heard(long.Parse(said[5]));
                Knows(new Mark(epoch, long.Parse(said[3]), said[4]));
                return (epoch, run, long.Parse(said[3]));
            }
            var (claim, sameTerm, missing) = (said[5], said[6] == "1", said[7]);
            var decision = claim == "lost" ? "renew" : sameTerm ? "hold" : claim == "past" ? "renew" : missing == "0" ? "hold" : Clock.Now - begun < Patience ? "wait" : "renew";
            if (decision == "wait") await Task.Delay(Look);
            // The state is read once more in either case: another node may have settled it first.
            else await evaluate("settle", keys[..4], [decision, epoch, run, missing, Guid.NewGuid().ToString("N"), time(), tag]);
        }
    }

    public Task Leave() => evaluate("leave", [$"{tag}members"], [node]);
}
