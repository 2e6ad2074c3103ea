# Hosts a WebSock handler on a bare socket, as Bandit and Cowboy do under Phoenix, which cannot be had here:
#   elixir -pa COMPILED websock-host.exs EPOCH DEADLINE
# Hands the handler what clients send, and sends what its callbacks return. SIGTERM does what prep_stop/1 does in an application.
[epoch, deadline] = System.argv()

defmodule Jason do
  def decode!(text), do: :jiffy.decode(text, [:return_maps, :use_nil])
  def encode!(data), do: :jiffy.encode(data, [:use_nil])
end

defmodule Host do
  @guid "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

  def accept(listener) do
    {:ok, socket} = :gen_tcp.accept(listener)
    pid = spawn(fn -> receive(do: (:yours -> serve(socket))) end)
    :ok = :gen_tcp.controlling_process(socket, pid)
    send(pid, :yours)
    accept(listener)
  end

  defp serve(socket) do
    {key, rest} = handshake(socket, "")
    answer = Base.encode64(:crypto.hash(:sha, key <> @guid))
    send_to(socket, "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: #{answer}\r\n\r\n")
    :inet.setopts(socket, active: true)
    did(Chat.LiveHandler.init(nil), socket, rest)
  end

  defp handshake(socket, head) do
    case String.split(head, "\r\n\r\n", parts: 2) do
      [lines, rest] ->
        [_, key] = Regex.run(~r/sec-websocket-key: *(\S+)/i, lines)
        {key, rest}

      [_] ->
        {:ok, more} = :gen_tcp.recv(socket, 0)
        handshake(socket, head <> more)
    end
  end

  # What a callback returned, in all the forms that WebSock has and the handler uses.
  defp did({:ok, state}, socket, rest), do: frames(socket, rest, state)

  defp did({:push, {:text, text}, state}, socket, rest) do
    send_frame(socket, 1, IO.iodata_to_binary(text))
    frames(socket, rest, state)
  end

  defp did({:stop, :normal, {code, reason}, _state}, socket, _rest) do
    send_frame(socket, 8, <<code::16>> <> reason)
    :gen_tcp.shutdown(socket, :write)
    receive(do: ({:tcp_closed, _} -> :ok), after: (1_000 -> :ok))
  end

  defp frames(socket, <<_::4, opcode::4, 1::1, size::7, rest::binary>> = all, state) do
    with {size, rest} <- size(size, rest), <<mask::binary-4, data::binary-size(size), rest::binary>> <- rest do
      case {opcode, unmasked(data, mask)} do
        {1, text} -> did(Chat.LiveHandler.handle_in({text, opcode: :text}, state), socket, rest)
        {8, reason} -> did({:stop, :normal, {1000, String.slice(reason, 2..-1)}, state}, socket, rest)
      end
    else
      _ -> waiting(socket, all, state)
    end
  end

  defp frames(socket, rest, state), do: waiting(socket, rest, state)

  defp waiting(socket, rest, state) do
    receive do
      {:tcp, ^socket, more} -> frames(socket, rest <> more, state)
      {:tcp_closed, ^socket} -> :ok
      {:tcp_error, ^socket, _} -> :ok
      other -> did(Chat.LiveHandler.handle_info(other, state), socket, rest)
    end
  end

  defp size(126, <<size::16, rest::binary>>), do: {size, rest}
  defp size(127, <<size::64, rest::binary>>), do: {size, rest}
  defp size(size, rest) when size < 126, do: {size, rest}
  defp size(_, _), do: nil

  defp unmasked(data, mask) do
    keys = :binary.copy(mask, div(byte_size(data), 4) + 1)
    :crypto.exor(data, binary_part(keys, 0, byte_size(data)))
  end

  defp send_frame(socket, opcode, data) do
    size = byte_size(data)
    send_to(socket, [<<8::4, opcode::4>>, if(size < 126, do: <<size>>, else: <<126, size::16>>), data])
  end

  # Who has gone is told by the socket.
  defp send_to(socket, data), do: :gen_tcp.send(socket, data)
end

{:ok, _} = Chat.Room.start_link(epoch)
{:ok, listener} = :gen_tcp.listen(0, [:binary, active: false, ip: {127, 0, 0, 1}, nodelay: true, backlog: 100])
{:ok, port} = :inet.port(listener)
spawn(fn -> Host.accept(listener) end)

System.trap_signal(:sigterm, fn ->
  spawn(fn ->
    Chat.Room.drain(String.to_integer(deadline))
    Process.sleep(500)
    System.halt(0)
  end)

  :ok
end)

IO.puts("listening on #{port}")
Process.sleep(:infinity)
