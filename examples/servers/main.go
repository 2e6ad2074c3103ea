// A chat on gorilla/websocket, and what LiveSocket needs of it: lines marked (new).
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

const deadline = 20 * time.Second

// (new) Numbers come from one place that all processes share: here this one, in yours a sequence of the database or Redis INCR.
type message struct {
	Topic, Epoch string
	Offset       int
	Data         any
}

func (m message) frame() map[string]any {
	return map[string]any{"topic": m.Topic, "epoch": m.Epoch, "offset": m.Offset, "data": m.Data}
}

var (
	mutex     sync.Mutex // guards everything below, and every write: frames of one socket keep their order
	epoch     = time.Now().UTC().Format(time.RFC3339Nano)
	history   []message
	offsets   = map[string]int{}
	following = map[*websocket.Conn]map[string]bool{}
	draining  bool
)

func publish(topic string, data any) {
	offsets[topic]++ // (new)
	m := message{topic, epoch, offsets[topic], data}
	history = append(history, m)
	for socket, topics := range following {
		if topics[topic] {
			socket.WriteJSON(m.frame())
		}
	}
}

// (new) What a client missed goes out before it follows the topic, under one lock: nothing falls between.
func follow(socket *websocket.Conn, topics map[string]struct {
	Epoch  string
	Offset int
}) {
	for topic, from := range topics {
		for _, m := range history {
			if from.Epoch != "" && m.Topic == topic && (from.Epoch != epoch || m.Offset > from.Offset) {
				socket.WriteJSON(m.frame())
			}
		}
		following[socket][topic] = true
	}
}

func serve(w http.ResponseWriter, r *http.Request) {
	if draining {
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return
	}
	upgrader := websocket.Upgrader{}
	socket, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	mutex.Lock()
	following[socket] = map[string]bool{}
	mutex.Unlock()
	for {
		var frame struct {
			Type, Topic string
			Data        any
			Topics      map[string]struct {
				Epoch  string
				Offset int
			}
		}
		if socket.ReadJSON(&frame) != nil {
			break
		}
		mutex.Lock()
		switch frame.Type {
		case "ping": // (new) in order with the messages: it marks the end of an overlap
			socket.WriteJSON(map[string]string{"type": "pong"})
		case "hello": // (new)
			follow(socket, frame.Topics)
		default:
			publish(frame.Topic, frame.Data)
		}
		mutex.Unlock()
	}
	mutex.Lock()
	delete(following, socket)
	mutex.Unlock()
	socket.Close()
}

// (new) Asks to move, a few at a time so that the next server keeps up, serves on until they have gone, and closes who stayed.
func drain() {
	mutex.Lock()
	draining = true
	var waiting []*websocket.Conn
	for socket := range following {
		waiting = append(waiting, socket)
	}
	mutex.Unlock()
	for _, socket := range waiting {
		mutex.Lock()
		socket.WriteJSON(map[string]any{"type": "handover", "id": "deploy", "reason": "deploy", "deadline": deadline.Milliseconds()})
		mutex.Unlock()
		time.Sleep(5 * time.Millisecond)
	}
	for end := time.Now().Add(deadline + 5*time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		mutex.Lock()
		left := len(following)
		mutex.Unlock()
		if left == 0 {
			return
		}
	}
	mutex.Lock()
	for socket := range following {
		socket.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1012, "deploy"), time.Now().Add(time.Second))
	}
	mutex.Unlock()
}

func main() {
	http.HandleFunc("/", serve)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() { log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil)) }()
	log.Print("listening")
	<-stop
	drain()
}
