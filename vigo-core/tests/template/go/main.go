// Runs the cases of ../cases.txt through Go's own text/template and prints what became of each, one line a case:
//
//	name ok "output as JSON" | name error "message as JSON" | name since VERSION
//
// go run main.go < ../cases.txt > ../go.txt
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"text/template"
)

type testcase struct {
	name, data, since string
	lines             []string
}

// plain makes whole numbers int and others float64, as Vigo's data has them.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.Atoi(string(v)); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}

func decode(text string) any {
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		panic(err.Error() + ": " + text)
	}
	return plain(v)
}

func minor(version string) int {
	parts := strings.Split(strings.TrimPrefix(version, "go"), ".")
	n, _ := strconv.Atoi(parts[1])
	return n
}

func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")
}

func run(c testcase, datas map[string]string, out io.Writer) {
	if c.since != "" && minor(runtime.Version()) < minor(c.since) {
		fmt.Fprintf(out, "%s since %s\n", c.name, c.since)
		return
	}
	data := decode(datas[c.data])
	t, err := template.New("t").Option("missingkey=error").Parse(strings.Join(c.lines, "\n"))
	var b strings.Builder
	if err == nil {
		err = t.Execute(&b, data)
	}
	if err != nil {
		fmt.Fprintf(out, "%s error %s\n", c.name, quoted(err.Error()))
	} else {
		fmt.Fprintf(out, "%s ok %s\n", c.name, quoted(b.String()))
	}
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	datas := map[string]string{}
	var c testcase
	for in.Scan() {
		line := in.Text()
		switch {
		case strings.HasPrefix(line, "@data "):
			name, text, _ := strings.Cut(strings.TrimPrefix(line, "@data "), " ")
			datas[name] = text
		case strings.HasPrefix(line, "== "):
			if c.name != "" {
				run(c, datas, out)
			}
			name, data, _ := strings.Cut(strings.TrimPrefix(line, "== "), " ")
			c = testcase{name: name, data: data}
		case strings.HasPrefix(line, "#! since "):
			c.since, _, _ = strings.Cut(strings.TrimPrefix(line, "#! since "), " ")
		case strings.HasPrefix(line, "#!"):
		default:
			c.lines = append(c.lines, line)
		}
	}
	run(c, datas, out)
}
