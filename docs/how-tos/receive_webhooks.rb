# A receiver of webhooks: WEBHOOK_SECRET=whsec_… ruby receive_webhooks.rb [port]
# Needs the gem webrick; in Rails or Sinatra, use `verified?` with request.raw_post or request.body.read.

require "json"
require "openssl"
require "webrick"

KEY = ENV.fetch("WEBHOOK_SECRET").delete_prefix("whsec_").unpack1("m0")
TOLERANCE_SECONDS = 5 * 60
MOST_BYTES = 1024 * 1024
SEEN = {} # In production: a table with a unique index, and the work in the same transaction.
LOCK = Mutex.new

# Whether the body is the LMS's, unchanged, and not a recording of last week.
def verified?(id, timestamp, signatures, body)
  return false unless /\A\d{1,12}\z/.match?(timestamp) && (Time.now.to_i - timestamp.to_i).abs <= TOLERANCE_SECONDS

  signed = "#{id}.#{timestamp}.".b + body.b
  expected = "v1," + [OpenSSL::HMAC.digest("SHA256", KEY, signed)].pack("m0")
  # During the rotation of a secret there are two signatures, separated by a space.
  signatures.split(" ").any? { |one| OpenSSL.secure_compare(expected, one) }
end

# The status to answer. A real receiver stores the event here, and works on it after it has answered.
def receive(request)
  return 413 if request.content_length > MOST_BYTES

  body = request.body.to_s # The bytes as they came: parsed and written again they may differ.
  id = request["webhook-id"].to_s
  return 401 unless verified?(id, request["webhook-timestamp"].to_s, request["webhook-signature"].to_s, body)

  event = JSON.parse(body)
  is_new = LOCK.synchronize { SEEN[id] ? false : SEEN[id] = true }
  return 204 unless is_new

  metadata = event.is_a?(Hash) ? event["event_metadata"] || {} : {}
  # Of a test nothing has happened: an operator tries the webhook out.
  puts metadata["test"] ? "a test" : "#{metadata["event_name"]} #{event.dig("user", "id") if event.is_a?(Hash)}"
  204
rescue JSON::ParserError
  400 # It is the LMS's, and no JSON: the operator has ticked WWW form encoding.
end

$stdout.sync = true
server = WEBrick::HTTPServer.new(Port: (ARGV[0] || 8080).to_i, RequestTimeout: 20, AccessLog: [],
                                 Logger: WEBrick::Log.new($stderr, WEBrick::Log::WARN))
server.mount_proc("/") do |request, response|
  response.status = request.request_method == "POST" ? receive(request) : 405
end
%w[INT TERM].each { |name| trap(name) { server.shutdown } }
server.start
