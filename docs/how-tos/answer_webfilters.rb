# A receiver that lets one mail domain register: WEBHOOK_SECRET=whsec_… ruby answer_webfilters.rb [port]
# Needs the gem webrick; in Rails or Sinatra, use `verified?` with request.raw_post or request.body.read.

require "json"
require "openssl"
require "webrick"

KEY = ENV.fetch("WEBHOOK_SECRET").delete_prefix("whsec_").unpack1("m0")
TOLERANCE_SECONDS = 5 * 60
MOST_BYTES = 1024 * 1024

# What may happen: {} lets it pass.
def answer(filter_name, payload)
  return {} unless filter_name == "StudentRegistrationRequested"

  form = payload["form_data"]
  form = {} unless form.is_a?(Hash) # A shape may have made something else of it.
  unless text(form["email"]).downcase.end_with?("@example.com")
    return { exception: { PreventRegistration: "Register with the address of your company." } }
  end
  { data: { form_data: { name: text(form["name"]).downcase.gsub(/(?<!\p{L})\p{L}/, &:upcase) } } }
end

# A field of a form: whoever fills in the form may send it twice (a list), or not at all.
def text(value)
  value.is_a?(String) ? value : ""
end

# Whether it is the LMS that asks, now.
def verified?(id, timestamp, signatures, body)
  return false unless /\A\d{1,12}\z/.match?(timestamp) && (Time.now.to_i - timestamp.to_i).abs <= TOLERANCE_SECONDS

  signed = "#{id}.#{timestamp}.".b + body.b
  expected = "v1," + [OpenSSL::HMAC.digest("SHA256", KEY, signed)].pack("m0")
  # During the rotation of a secret there are two signatures, separated by a space.
  signatures.split(" ").any? { |one| OpenSSL.secure_compare(expected, one) }
end

# The status and what to answer.
def respond(request)
  return [405, {}] unless request.request_method == "POST"
  return [413, {}] if request.content_length > MOST_BYTES

  body = request.body.to_s # The bytes as they came: parsed and written again they may differ.
  id, timestamp = request["webhook-id"].to_s, request["webhook-timestamp"].to_s
  return [401, {}] unless verified?(id, timestamp, request["webhook-signature"].to_s, body)

  payload = JSON.parse(body)
  metadata = payload["event_metadata"] if payload.is_a?(Hash)
  name = metadata["event_name"] if metadata.is_a?(Hash)
  name.is_a?(String) ? [200, answer(name, payload)] : [400, {}] # What a shape has made has no name.
rescue JSON::ParserError
  [400, {}] # A form.
end

server = WEBrick::HTTPServer.new(Port: (ARGV[0] || 8080).to_i, RequestTimeout: 20, AccessLog: [],
                                 Logger: WEBrick::Log.new($stderr, WEBrick::Log::WARN))
server.mount_proc("/") do |request, response|
  response.status, content = respond(request)
  response["content-type"] = "application/json"
  response.body = JSON.generate(content)
end
%w[INT TERM].each { |name| trap(name) { server.shutdown } }
server.start
