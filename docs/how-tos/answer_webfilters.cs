// A receiver that lets one mail domain register. With .NET it is the Program.cs of a console project:
// WEBHOOK_SECRET=whsec_… dotnet run [port]
// With Mono: mcs -r:System.Runtime.Serialization,System.Xml.Linq,System.Xml answer_webfilters.cs
// In ASP.NET Core, use Verified with the bytes of Request.Body, and System.Text.Json.

using System;
using System.Globalization;
using System.IO;
using System.Net;
using System.Runtime.Serialization.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using System.Xml;
using System.Xml.Linq;

static class Program
{
    const long ToleranceSeconds = 5 * 60;
    const int MostBytes = 1024 * 1024;
    const string Pass = "{}";
    static byte[] key;

    /// What may happen, as JSON: {} lets it pass.
    static string Answer(string filterName, XElement payload)
    {
        if (filterName != "StudentRegistrationRequested") return Pass;
        var form = payload.Element("form_data");
        if (!Text(form?.Element("email")).ToLowerInvariant().EndsWith("@example.com"))
            return "{\"exception\": {\"PreventRegistration\": \"Register with the address of your company.\"}}";
        var name = CultureInfo.InvariantCulture.TextInfo.ToTitleCase(Text(form.Element("name")).ToLowerInvariant());
        return "{\"data\": {\"form_data\": {\"name\": " + Quoted(name) + "}}}";
    }

    /// A field of a form: whoever fills in the form may send it twice (a list), or not at all.
    static string Text(XElement value)
    {
        return (string)value?.Attribute("type") == "string" ? value.Value : "";
    }

    /// A text as JSON has it; System.Text.Json does this by itself.
    static string Quoted(string text)
    {
        var result = new StringBuilder("\"");
        foreach (var one in text)
            if (one < ' ' || one == '"' || one == '\\') result.AppendFormat("\\u{0:x4}", (int)one);
            else result.Append(one);
        return result.Append('"').ToString();
    }

    /// Whether it is the LMS that asks, now.
    static bool Verified(string id, string timestamp, string signatures, byte[] body)
    {
        if (!Regex.IsMatch(timestamp, "^[0-9]{1,12}\\z")) return false;
        if (Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - long.Parse(timestamp)) > ToleranceSeconds) return false;
        var start = Encoding.UTF8.GetBytes(id + "." + timestamp + ".");
        var signed = new byte[start.Length + body.Length];
        start.CopyTo(signed, 0);
        body.CopyTo(signed, start.Length);
        string expected;
        using (var hmac = new HMACSHA256(key)) expected = "v1," + Convert.ToBase64String(hmac.ComputeHash(signed));
        // During the rotation of a secret there are two signatures, separated by a space.
        foreach (var one in signatures.Split(' ')) if (Same(expected, one)) return true;
        return false;
    }

    /// In constant time; .NET has CryptographicOperations.FixedTimeEquals.
    static bool Same(string a, string b)
    {
        var difference = a.Length ^ b.Length;
        for (var i = 0; i < Math.Min(a.Length, b.Length); i++) difference |= a[i] ^ b[i];
        return difference == 0;
    }

    /// The bytes as they came, parsed and written again they may differ; null if there are too many.
    static byte[] Read(Stream stream)
    {
        var body = new MemoryStream();
        var part = new byte[16384];
        for (int count; (count = stream.Read(part, 0, part.Length)) > 0; body.Write(part, 0, count))
            if (body.Length + count > MostBytes) return null;
        return body.ToArray();
    }

    /// The status, and what to answer.
    static int Respond(HttpListenerRequest request, out string content)
    {
        content = Pass;
        if (request.HttpMethod != "POST") return 405;
        var body = Read(request.InputStream);
        if (body == null) return 413;
        var id = request.Headers["webhook-id"] ?? "";
        if (!Verified(id, request.Headers["webhook-timestamp"] ?? "", request.Headers["webhook-signature"] ?? "", body))
            return 401;
        XElement payload;
        try
        {
            payload = XElement.Load(JsonReaderWriterFactory.CreateJsonReader(body, new XmlDictionaryReaderQuotas()));
        }
        catch (XmlException)
        {
            return 400; // A form.
        }
        var name = Text(payload.Element("event_metadata")?.Element("event_name"));
        if (name == "") return 400; // What a shape has made has no name.
        content = Answer(name, payload);
        return 200;
    }

    static void Handle(HttpListenerContext context)
    {
        var status = 400;
        var content = Pass;
        try
        {
            status = Respond(context.Request, out content);
        }
        catch (Exception error)
        {
            Console.Error.WriteLine(error.GetType().Name); // The connection broke, for instance: nobody else is hurt.
        }
        try
        {
            var bytes = Encoding.UTF8.GetBytes(content);
            context.Response.StatusCode = status;
            context.Response.ContentType = "application/json";
            context.Response.ContentLength64 = bytes.Length;
            context.Response.OutputStream.Write(bytes, 0, bytes.Length);
            context.Response.Close();
        }
        catch (Exception)
        {
            context.Response.Abort(); // Nobody waits for the answer any more.
        }
    }

    static void Main(string[] arguments)
    {
        var secret = Environment.GetEnvironmentVariable("WEBHOOK_SECRET");
        key = Convert.FromBase64String(secret.StartsWith("whsec_") ? secret.Substring(6) : secret);
        var listener = new HttpListener();
        listener.Prefixes.Add("http://*:" + (arguments.Length > 0 ? arguments[0] : "8080") + "/");
        listener.Start();
        while (true)
        {
            var context = listener.GetContext();
            ThreadPool.QueueUserWorkItem(_ => Handle(context));
        }
    }
}
