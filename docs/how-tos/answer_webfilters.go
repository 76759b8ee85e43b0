// A receiver that lets one mail domain register: WEBHOOK_SECRET=whsec_… go run answer_webfilters.go [port]
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const toleranceSeconds = 5 * 60
const mostBytes = 1024 * 1024

var key []byte
var digits = regexp.MustCompile(`^[0-9]{1,12}$`)

type object = map[string]any

// A field of a form is a text; or a list, if it was sent twice; or not there.
type question struct {
	Form     object `json:"form_data"`
	Metadata struct {
		Name string `json:"event_name"`
	} `json:"event_metadata"`
}

// answer says what may happen: an empty object lets it pass.
func answer(asked question) object {
	if asked.Metadata.Name != "StudentRegistrationRequested" {
		return object{}
	}
	email, _ := asked.Form["email"].(string)
	if !strings.HasSuffix(strings.ToLower(email), "@example.com") {
		return object{"exception": object{"PreventRegistration": "Register with the address of your company."}}
	}
	name, _ := asked.Form["name"].(string)
	return object{"data": object{"form_data": object{"name": strings.Title(strings.ToLower(name))}}}
}

// verified tells whether it is the LMS that asks, now.
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

// respond gives the status and what to answer.
func respond(response http.ResponseWriter, request *http.Request) (int, object) {
	// The bytes as they came: parsed and written again they may differ.
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, mostBytes))
	if err != nil {
		if len(body) >= mostBytes {
			return http.StatusRequestEntityTooLarge, object{}
		}
		return http.StatusBadRequest, object{}
	}
	if !verified(request.Header, body) {
		return http.StatusUnauthorized, object{}
	}
	var asked question
	if err := json.Unmarshal(body, &asked); err != nil || asked.Metadata.Name == "" {
		return http.StatusBadRequest, object{} // A form, or what a shape has made of it.
	}
	return http.StatusOK, answer(asked)
}

func handle(response http.ResponseWriter, request *http.Request) {
	status, content := respond(response, request)
	response.Header().Set("Content-Type", "application/json")
	response.WriteHeader(status)
	_ = json.NewEncoder(response).Encode(content)
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
	server := http.Server{
		Addr: ":" + port, Handler: http.HandlerFunc(handle), ReadTimeout: 20 * time.Second, IdleTimeout: time.Minute,
	}
	log.Fatal(server.ListenAndServe())
}
