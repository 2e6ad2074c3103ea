# A chat on Phoenix's WebSock, without channels, and what LiveSocket needs of it: lines marked (new).
# With channels no code is needed but the broadcast in drain/0: the preset phoenix() does the rest.
defmodule Chat.Log do
  # (new) Numbers come from one place that all nodes share: here this process, in yours a sequence of the database or Redis INCR.
  use GenServer

  def start_link(_), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)
  def publish(topic, data), do: GenServer.call(__MODULE__, {:publish, topic, data})
  # Subscribes within the same call: nothing falls between what was missed and what follows.
  def follow(topic, from), do: GenServer.call(__MODULE__, {:follow, topic, from})

  def init(_), do: {:ok, %{epoch: Ecto.UUID.generate(), messages: [], followers: %{}}}

  def handle_call({:publish, topic, data}, _from, state) do
    offset = Enum.count(state.messages, &(&1.topic == topic)) + 1
    message = %{topic: topic, epoch: state.epoch, offset: offset, data: data}
    for pid <- Map.get(state.followers, topic, []), do: send(pid, {:frame, message})
    {:reply, offset, %{state | messages: [message | state.messages]}}
  end

  def handle_call({:follow, topic, from}, {pid, _}, state) do
    missed = Enum.filter(Enum.reverse(state.messages), fn one ->
      one.topic == topic and from["epoch"] != nil and (from["epoch"] != state.epoch or one.offset > from["offset"])
    end)
    for message <- missed, do: send(pid, {:frame, message})
    Process.monitor(pid)
    {:reply, :ok, update_in(state.followers, &Map.update(&1, topic, [pid], fn all -> Enum.uniq([pid | all]) end))}
  end

  def handle_info({:DOWN, _, :process, pid, _}, state) do
    {:noreply, update_in(state.followers, &Map.new(&1, fn {topic, all} -> {topic, List.delete(all, pid)} end))}
  end
end

defmodule Chat.LiveHandler do
  @behaviour WebSock
  @deadline 20_000

  def init(state) do
    Registry.register(Chat.Sockets, :all, nil)
    {:ok, state}
  end

  def handle_in({text, opcode: :text}, state) do
    case Jason.decode!(text) do
      # (new) in order with the messages: it marks the end of an overlap
      %{"type" => "ping"} -> {:push, {:text, ~s({"type":"pong"})}, state}
      # (new)
      %{"type" => "hello", "topics" => topics} -> Enum.each(topics, fn {topic, from} -> Chat.Log.follow(topic, from) end) && {:ok, state}
      %{"topic" => topic, "data" => data} -> Chat.Log.publish(topic, data) && {:ok, state}
    end
  end

  def handle_info({:frame, frame}, state), do: {:push, {:text, Jason.encode!(frame)}, state}
  def handle_info(:stop, state), do: {:stop, :normal, {1012, "deploy"}, state}

  # (new) Call it in Application.prep_stop/1, which is before the endpoint goes; channels broadcast "reconnect" instead.
  def drain do
    sockets = Registry.lookup(Chat.Sockets, :all)
    for {pid, _} <- sockets do
      send(pid, {:frame, %{type: "handover", id: Ecto.UUID.generate(), reason: "deploy", deadline: @deadline}})
      # Paced, so that the next server keeps up.
      Process.sleep(5)
    end
    Process.sleep(@deadline + 5_000)
    for {pid, _} <- Registry.lookup(Chat.Sockets, :all), do: send(pid, :stop)
  end
end
