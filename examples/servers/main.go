// A chat on gorilla/websocket. The lines that LiveSocket needs are marked (new).
package main

import (
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
)

var mutex sync.Mutex // guards the variables below and every write, so that the frames of a socket keep their order
var sockets = map[*websocket.Conn]bool{}
var epoch, offset = time.Now().String(), 0 // (new) from one source for all processes: here this one, in yours the database or Redis INCR

func tell(frame map[string]any) {
	for socket := range sockets {
		socket.SetWriteDeadline(time.Now().Add(time.Second)) // a client that does not read delays the others no longer than this
		socket.WriteJSON(frame)
	}
}

func serve(w http.ResponseWriter, r *http.Request) {
	socket, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	for err == nil {
		var said struct{ Type, Data any }
		err = socket.ReadJSON(&said)
		mutex.Lock()
		if err != nil {
			delete(sockets, socket)
			socket.Close()
		} else if said.Type == "hello" {
			sockets[socket] = true
		} else if said.Type == "ping" { // (new) in order with the messages, so it marks the end of an overlap
			socket.WriteMessage(websocket.TextMessage, []byte(`{"type":"pong"}`))
		} else {
			offset++ // (new), and the message's epoch and offset
			tell(map[string]any{"topic": "chat", "data": said.Data, "epoch": epoch, "offset": offset})
		}
		mutex.Unlock()
	}
}

func main() {
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: http.HandlerFunc(serve)}
	go func() { log.Print(server.ListenAndServe()) }()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop         // (new) and everything that follows
	server.Close() // accepts no new clients, and goes on serving the present ones
	mutex.Lock()
	tell(map[string]any{"type": "handover", "id": "deploy", "reason": "deploy", "spread": 10_000, "deadline": 20_000})
	mutex.Unlock()
	time.Sleep(25 * time.Second)
}
