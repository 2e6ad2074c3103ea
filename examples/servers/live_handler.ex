# A chat on Phoenix's WebSock. The lines that LiveSocket needs are marked (new). With channels it is
# enough to broadcast "reconnect" in prep_stop/1: the preset phoenix() does the rest.
defmodule Chat.Room do
  use GenServer
  # (new) All nodes must share one source of numbers: here this process, in yours a database
  # sequence or Redis INCR. If the numbers start again, use a new epoch (Ecto.UUID.generate()).
  def start_link(epoch), do: GenServer.start_link(__MODULE__, epoch, name: __MODULE__)
  def init(epoch), do: {:ok, %{epoch: epoch, offset: 0, kept: [], pids: [], draining: false}}

  def handle_call({:publish, data}, _, %{epoch: epoch, offset: offset} = room) do
    one = %{topic: "chat", data: data, epoch: epoch, offset: offset + 1}
    for pid <- room.pids, do: send(pid, {:frame, one})
    {:reply, :ok, %{room | offset: offset + 1, kept: Enum.take([one | room.kept], 1_000)}}
  end

  # (new) Sends what a client missed and lets it follow in one call, so that no message is lost between.
  def handle_call({:follow, at}, {pid, _}, room) do
    Process.monitor(pid)
    missed = if at["epoch"], do: room.kept, else: []
    known = if at["epoch"] == room.epoch, do: at["offset"], else: 0
    for one <- Enum.reverse(missed), one.offset > known, do: send(pid, {:frame, one})
    if room.draining, do: send(pid, :stop)
    {:reply, :ok, %{room | pids: [pid | room.pids]}}
  end

  def handle_call(:drain, _, room), do: {:reply, room.pids, %{room | draining: true}}

  def handle_info({_, _, _, pid, _}, room), do: {:noreply, %{room | pids: room.pids -- [pid]}}

  # (new) For prep_stop/1: accepts no new clients, asks the present ones to hand over, closes those that stay.
  def drain(deadline \\ 20_000) do
    ask = {:frame, %{type: "handover", id: "deploy", reason: "deploy", deadline: deadline}}

    for pid <- GenServer.call(__MODULE__, :drain) do
      send(pid, ask)
      Process.sleep(5)
    end

    Process.sleep(deadline + div(deadline, 4))
    for pid <- GenServer.call(__MODULE__, :drain), do: send(pid, :stop)
  end
end

defmodule Chat.LiveHandler do
  @behaviour WebSock
  def init(state), do: {:ok, state}

  def handle_in({text, opcode: :text}, state) do
    hear(Jason.decode!(text))
    {:ok, state}
  end

  def handle_info({:frame, frame}, state), do: {:push, {:text, Jason.encode!(frame)}, state}
  def handle_info(:stop, state), do: {:stop, :normal, {1012, "deploy"}, state}

  # (new) The answer is in order with the messages, so it marks the end of an overlap.
  defp hear(%{"type" => "ping"}), do: send(self(), {:frame, %{type: "pong"}})
  defp hear(%{"topics" => at}), do: GenServer.call(Chat.Room, {:follow, at["chat"]})
  defp hear(%{"data" => data}), do: GenServer.call(Chat.Room, {:publish, data})
end
