package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
)

// samples writes objects with every field set, each as protobuf in base64 and as JSON on one line.
func samples() error {
	s := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	for _, o := range []runtime.Object{
		&corev1.Pod{}, &corev1.Secret{}, &corev1.ConfigMap{}, &corev1.Service{}, &corev1.PersistentVolume{}, &corev1.Namespace{}, &corev1.Node{}, &corev1.Event{}, &appsv1.Deployment{}, &appsv1.ControllerRevision{},
		&batchv1.CronJob{}, &networkingv1.Ingress{}, &rbacv1.ClusterRoleBinding{}, &policyv1.Eviction{}, &authenticationv1.TokenRequest{}, &certificatesv1.CertificateSigningRequest{},
		&autoscalingv2.HorizontalPodAutoscaler{}, &admissionv1.MutatingWebhookConfiguration{}, &metav1.DeleteOptions{},
	} {
		f := filler{}
		f.fill(reflect.ValueOf(o).Elem(), 0)
		gvks, _, err := scheme.Scheme.ObjectKinds(o)
		if err != nil {
			return err
		}
		gvk := gvks[0]
		for _, k := range gvks {
			if k.Version == "v1" {
				gvk = k
			}
		}
		o.GetObjectKind().SetGroupVersionKind(gvk)
		encoded, err := runtime.Encode(s, o)
		if err != nil {
			return err
		}
		text, err := json.Marshal(o)
		if err != nil {
			return err
		}
		fmt.Println(base64.StdEncoding.EncodeToString(encoded), string(text))
	}
	return nil
}

// filler gives every field a value of its own.
type filler struct{ n int64 }

func (f *filler) fill(v reflect.Value, depth int) {
	f.n++
	switch x := v.Addr().Interface().(type) {
	case *metav1.TypeMeta:
		return
	case *metav1.Time:
		*x = metav1.NewTime(time.Unix(1700000000+f.n, 0))
		return
	case *metav1.MicroTime:
		*x = metav1.NewMicroTime(time.Unix(1700000000+f.n, 5000))
		return
	case *metav1.Duration:
		x.Duration = time.Duration(f.n) * time.Second
		return
	case *intstr.IntOrString:
		if *x = intstr.FromInt32(int32(f.n)); f.n%2 == 0 {
			*x = intstr.FromString(fmt.Sprint("p", f.n))
		}
		return
	case *resource.Quantity:
		*x = resource.MustParse(fmt.Sprint(f.n, "Mi"))
		return
	case *runtime.RawExtension:
		x.Raw = fmt.Appendf(nil, `{"n":%d}`, f.n)
		return
	case *metav1.FieldsV1:
		x.Raw = fmt.Appendf(nil, `{"f:n":{"%d":{}}}`, f.n)
		return
	}
	if depth > 14 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("s", f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64, reflect.Int:
		v.SetInt(f.n - 2*(f.n%2)*f.n) // half of them negative
	case reflect.Float64:
		v.SetFloat(float64(f.n) + 0.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				f.fill(v.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(fmt.Append(nil, "b", f.n))
			return
		}
		n := 1
		if v.Type().Elem().Kind() != reflect.Struct {
			n = 2
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			f.fill(v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.fill(key, depth+1)
			f.fill(value, depth+1)
			v.SetMapIndex(key, value)
		}
	}
}
