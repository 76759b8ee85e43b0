// A receiver of webhooks: WEBHOOK_SECRET=whsec_… go run receive_webhooks.go [port]
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

const toleranceSeconds = 5 * 60
const mostBytes = 1024 * 1024

var key []byte
var digits = regexp.MustCompile(`^[0-9]{1,12}$`)
var seen sync.Map // In production: a table with a unique index, and the work in the same transaction.

type event struct {
	User     struct{ ID json.Number }
	Metadata struct {
		Name string `json:"event_name"`
		Test bool
	} `json:"event_metadata"`
}

// verified tells whether the body is the LMS's, unchanged, and not a recording of last week.
func verified(header http.Header, body []byte) bool {
	timestamp := header.Get("webhook-timestamp")
	if !digits.MatchString(timestamp) {
		return false
	}
	seconds, _ := strconv.ParseInt(timestamp, 10, 64)
	if age := time.Now().Unix() - seconds; age > toleranceSeconds || age < -toleranceSeconds {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(header.Get("webhook-id") + "." + timestamp + "."))
	mac.Write(body)
	expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	// During the rotation of a secret there are two signatures, separated by a space.
	for _, one := range strings.Split(header.Get("webhook-signature"), " ") {
		if hmac.Equal([]byte(expected), []byte(one)) {
			return true
		}
	}
	return false
}

// receive answers. A real receiver stores the event here, and works on it after it has answered.
func receive(response http.ResponseWriter, request *http.Request) {
	// The bytes as they came: parsed and written again they may differ.
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, mostBytes))
	if err != nil {
		status := http.StatusBadRequest
		if len(body) >= mostBytes {
			status = http.StatusRequestEntityTooLarge
		}
		response.WriteHeader(status)
		return
	}
	if !verified(request.Header, body) {
		response.WriteHeader(http.StatusUnauthorized)
		return
	}
	if !json.Valid(body) {
		// It is the LMS's, and no JSON: the operator has ticked WWW form encoding.
		response.WriteHeader(http.StatusBadRequest)
		return
	}
	if _, known := seen.LoadOrStore(request.Header.Get("webhook-id"), true); !known {
		var told event
		_ = json.Unmarshal(body, &told) // What the operator's shape has made otherwise stays empty.
		if told.Metadata.Test {
			fmt.Println("a test") // An operator tries the webhook out: nothing has happened.
		} else {
			fmt.Println(told.Metadata.Name, told.User.ID)
		}
	}
	response.WriteHeader(http.StatusNoContent)
}

func main() {
	var err error
	key, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(os.Getenv("WEBHOOK_SECRET"), "whsec_"))
	if err != nil {
		log.Fatal(err)
	}
	port := "8080"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	server := http.Server{Addr: ":" + port, Handler: http.HandlerFunc(receive), ReadTimeout: 20 * time.Second}
	log.Fatal(server.ListenAndServe())
}
